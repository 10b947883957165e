#!/usr/bin/env node
import { main } from './main.js';

// A reader that has seen enough (`cdrec inspect ... | head`) is no failure: end quietly, with the status of SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 141 : 1); });
process.exitCode = await main(process.argv.slice(2));
