import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseLoadOption, readFirmwareEntries } from './firmware-entries.ts';
import { linksOf } from './links.ts';

/** A load option as grub-install has efibootmgr make it: HD(1,GPT,cdec0002-...)/File(\EFI\debian\shimx64.efi). */
const bytes = Buffer.from(
  '010000006200640065006200690061006e00000004012a0001000000000800000000000000000200000000000200eccd01000040800000000000000b0202040434005c004500460049005c00640065006200690061006e005c007300680069006d007800360034002e0065006600690000007fff0400',
  'hex',
);
const dir = mkdtempSync(join(tmpdir(), 'cdrec-entries-'));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('boot entries of the firmware', () => {
  it('are read with label, partition and file', () => {
    expect(parseLoadOption(bytes)).toEqual({ label: 'debian', partition: 'CDEC0002-0001-4000-8000-00000000000B', file: '\\EFI\\debian\\shimx64.efi', arguments: '' });
  });
  it('keep arguments of a kernel that is started by the firmware, not other data', () => {
    const stub = Buffer.concat([bytes, Buffer.from('root=UUID=1 quiet\0', 'utf16le')]);
    expect(parseLoadOption(stub)?.arguments).toBe('root=UUID=1 quiet');
    expect(parseLoadOption(Buffer.concat([bytes, Buffer.from([1, 2, 3])]))?.arguments).toBe('');
    expect(parseLoadOption(Buffer.from('0100'.padEnd(40, '0'), 'hex'))).toBeUndefined();
    for (let cut = 0; cut < bytes.length; cut++) expect(() => parseLoadOption(bytes.subarray(0, cut))).not.toThrow();
  });
  it('come in the order of BootOrder', () => {
    const write = (name: string, value: Buffer): void => { writeFileSync(join(dir, `${name}-8be4df61-93ca-11d2-aa0d-00e098032b8c`), Buffer.concat([Buffer.alloc(4), value])); };
    const named = (label: string): Buffer => Buffer.concat([bytes.subarray(0, 6), Buffer.from(`${label}\0`, 'utf16le'), bytes.subarray(6 + 14)]);
    write('BootOrder', Buffer.from([2, 0, 9, 0, 1, 0]));
    write('Boot0001', named('one'));
    write('Boot0002', named('two'));
    write('Boot0003', named('not in the order'));
    expect(readFirmwareEntries(dir).map((e) => e.label)).toEqual(['two', 'one']);
    expect(readFirmwareEntries(join(dir, 'nothing'))).toEqual([]);
  });
});

describe('links of udev', () => {
  it('are those of the whole disk', () => {
    mkdirSync(join(dir, 'by-id'));
    for (const [name, to] of [['ata-X', 'sda'], ['ata-X-part1', 'sda1'], ['wwn-1', 'sda'], ['gone', 'sdz']] as const) symlinkSync(join(dir, to), join(dir, 'by-id', name));
    for (const name of ['sda', 'sda1']) writeFileSync(join(dir, name), '');
    expect(linksOf(join(dir, 'sda'), dir)).toEqual(['by-id/ata-X', 'by-id/wwn-1']);
  });
});
