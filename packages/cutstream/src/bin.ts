#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { cutstreamProgram } from './program.js';

// Beyond `ulimit -f` the write fails, which is said; without this the signal would end the program before it can tidy up.
process.on('SIGXFSZ', () => undefined);
process.exitCode = cutstreamProgram(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  input: 0,
  run: (command, env) => {
    // mkCDrec called it by system(3): a command line of the administrator, to be read by the shell.
    const { status, signal } = spawnSync('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  },
});
