export { buildInitrd, type InitrdOptions } from './initrd.js';
export { cpioArchive, cpioFrame } from './cpio.js';
