export { formatSfv, parseSfv, SfvError, type SfvEntry } from './format.js';
export { crc32OfStream, verifySfv, type SfvResult } from './verify.js';
export { crc32OfFile } from './program.js';
