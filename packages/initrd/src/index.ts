export { buildInitrd, type InitrdOptions } from './initrd.js';
export { cpioArchive } from './cpio.js';
