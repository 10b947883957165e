import { describe, expect, it } from 'vitest';
import { replacedEntries } from './nvram.ts';

/** As efibootmgr 17 (Debian 12) and 18 (Debian 13) list them. */
const LISTED = [
  'BootCurrent: 0002', 'Timeout: 0 seconds', 'BootOrder: 0003,0004,0002,0000,0001',
  'Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)',
  'Boot0003* debian\tHD(1,GPT,3C0D0001-5B3C-4C8E-9D57-2A3C0B1D4E5F,0x800,0x64000)/File(\\EFI\\debian\\shimx64.efi)',
  'Boot0004  debian\tHD(15,GPT,3c0d0002-5b3c-4c8e-9d57-2a3c0b1d4e5f,0x800,0x64000)/\\EFI\\debian\\shimx64.efi', '      dp: 04 01 2a 00',
  'Boot0005* debian\tHD(1,MBR,0x12345678,0x800,0x64000)/File(\\EFI\\debian\\shimx64.efi)', 'Boot0006* debian two\tHD(1,GPT,3c0d0001-5b3c-4c8e-9d57-2a3c0b1d4e5f,0x800,0x64000)',
  'Boot000A* debian', '',
].join('\n');

describe('entries of the firmware', () => {
  it('of the same label are replaced, but not those of a disk that stays', () => {
    expect(replacedEntries(LISTED, ['debian'], new Set())).toEqual(['0003', '0004', '0005', '000A']);
    expect(replacedEntries(LISTED, ['debian'], new Set(['3c0d0002-5b3c-4c8e-9d57-2a3c0b1d4e5f']))).toEqual(['0003', '0005', '000A']);
    expect(replacedEntries(LISTED, ['debian two', 'UiApp'], new Set())).toEqual(['0000', '0006']);
    expect(replacedEntries(LISTED, ['fedora'], new Set())).toEqual([]);
  });
});
