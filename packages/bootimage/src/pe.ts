import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Whether a PE program (an EFI program, a kernel with EFI stub) carries a signature: entry 4 of its data directories,
 * the certificate table, is not empty. Whose it is, the firmware decides. Source: Microsoft PE Format, "Optional Header
 * Data Directories". False for what is no PE file.
 */
export function isSignedPe(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    const n = readSync(fd, head, 0, head.length, 0);
    if (n < 64 || head.toString('latin1', 0, 2) !== 'MZ') return false;
    const pe = head.readUInt32LE(0x3c);
    if (pe + 24 + 152 > n || head.toString('latin1', pe, pe + 4) !== 'PE\0\0') return false;
    const optional = pe + 24;
    // PE32 has 96 bytes before its directories, PE32+ has 112.
    const magic = head.readUInt16LE(optional);
    const directories = optional + (magic === 0x20b ? 112 : 96);
    return head.readUInt32LE(directories - 4) > 4 && head.readUInt32LE(directories + 4 * 8) !== 0 && head.readUInt32LE(directories + 4 * 8 + 4) !== 0;
  } finally {
    closeSync(fd);
  }
}
