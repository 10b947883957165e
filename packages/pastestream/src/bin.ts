#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { pastestreamProgram } from './program.js';

process.exitCode = pastestreamProgram(process.argv.slice(2), {
  help: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  output: 1,
  run: (command) => {
    // A command line of the administrator, to be read by the shell; its questions go to the terminal, not into the stream.
    const { status, signal } = spawnSync('sh', ['-c', command], { stdio: ['inherit', 2, 'inherit'] });
    return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  },
});
