#!/usr/bin/env node
import { sfvProgram } from './program.js';

process.exitCode = sfvProgram(process.argv.slice(2), { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) });
