import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, Survey } from '@cdrec/survey';
import { afterAll, describe, expect, it } from 'vitest';
import { rewriteSystem } from './adapt.ts';
import { convertSurvey, convertTable, renamedDevices, rewriteGrubEnvironment, rewriteReferences, sfdiskScript, type Assignment } from './index.ts';

const part = (number: number, start: number, sectors: number, over: object = {}) => ({ number, node: `/dev/sda${String(number)}`, start, sectors, type: '83', bootable: false, ...over });
const mbr: Disk = {
  device: '/dev/sda', model: '', serial: 'S', wwn: '', transport: '', bytes: 3e9, sectorBytes: 512, used: true, links: ['by-id/ata-DISK_S', 'by-path/pci-0000:00:1f.2-ata-1'],
  table: { type: 'dos', id: '0xcdec0003', partitions: [part(1, 2048, 1_000_000, { bootable: true }), part(2, 1_003_520, 2_000_000, { type: '5' }), part(5, 1_005_568, 500_000), part(6, 1_509_376, 100_000, { type: '82' })] },
};
const survey = (disk: Disk, loaders: readonly object[] = []): Survey => ({
  disks: [disk], boot: { loaders, entries: [] }, layers: [{ type: 'luks', on: '/dev/sda5', uuid: 'luks-uuid', device: '/dev/mapper/c' }], images: [],
  fileSystems: [{ device: '/dev/sda1', partition: 1, uuid: 'root-uuid' }], swaps: [{ device: '/dev/sda6', partition: 6, uuid: 'swap-uuid' }],
}) as unknown as Survey;
const onto = (source: Disk, device: string, rule: Assignment['rule'] = 'named by you'): Assignment[] => [{ source, rule, target: { device, bytes: 4e9, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } }];
const dir = mkdtempSync(join(tmpdir(), 'cdrec-references-'));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

const FSTAB = `# / was on /dev/sda1 during installation
/dev/sda1 / ext4 defaults 0 1
/dev/disk/by-id/ata-DISK_S-part6 none swap sw 0 0
PARTUUID=CDEC0003-05 /x ext4 defaults 0 0
/dev/sda10 /other ext4 noauto 0 0
UUID=kept /home ext4 defaults 0 2
/dev/mapper/c /c ext4 defaults 0 0
`;

describe('references to devices', () => {
  it('are rewritten where another disk has another name, and only there', () => {
    const renamed = renamedDevices(survey(mbr), onto(mbr, '/dev/nvme0n1'), new Map([['cdec0003-05', '00000000-1']]));
    const { text, changes } = rewriteReferences(FSTAB, renamed, 'tag');
    expect(text).toBe(FSTAB.replace('\n/dev/sda1 ', '\nUUID=root-uuid ').replace('/dev/disk/by-id/ata-DISK_S-part6', 'UUID=swap-uuid').replace('PARTUUID=CDEC0003-05', 'PARTUUID=00000000-1'));
    expect(changes).toHaveLength(3);
    expect(rewriteReferences('linux /vmlinuz root=/dev/sda1 resume=/dev/sda6 quiet\nsearch --hint=/dev/sda1\n', renamed, 'tag').text).toBe('linux /vmlinuz root=UUID=root-uuid resume=UUID=swap-uuid quiet\nsearch --hint=UUID=root-uuid\n');
    expect(rewriteReferences('c /dev/sda5 none luks\n', renamed, 'tag').text).toBe('c UUID=luks-uuid none luks\n');
    expect(rewriteReferences('What=/dev/sda1\nboot=/dev/sda\nx=/dev/sda1/y\n', renamed, 'path').text).toBe('What=/dev/disk/by-uuid/root-uuid\nboot=/dev/nvme0n1\nx=/dev/sda1/y\n');
    expect(rewriteReferences('/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1 / ext4\n', renamed, 'tag').text).toBe('UUID=root-uuid / ext4\n');
  });
  it('are such that a kernel without initramfs understands them, where it has none', () => {
    const gpt: Disk = { ...mbr, table: { type: 'gpt', id: 'G', partitions: [part(1, 2048, 1_000_000, { uuid: 'AAAA' })] } };
    const renamed = renamedDevices(survey(gpt), onto(gpt, '/dev/nvme0n1'), new Map(), true);
    expect(rewriteReferences('root=/dev/sda1 ro console=ttyS0', renamed, 'tag').text).toBe('root=PARTUUID=aaaa ro console=ttyS0');
    expect(rewriteReferences('root=/dev/sda1 ro', renamedDevices(survey(mbr), onto(mbr, '/dev/nvme0n1'), new Map(), true), 'tag').text).toBe('root=PARTUUID=cdec0003-01 ro');
  });
  it('by the number of the partition, where nothing on it has a UUID: a random key must never meet another one', () => {
    const bare = { ...survey(mbr), swaps: [] };
    expect(rewriteReferences('swap /dev/sda6 /dev/urandom swap\n', renamedDevices(bare, onto(mbr, '/dev/vdc'), new Map()), 'tag').text).toBe('swap PARTUUID=cdec0003-06 /dev/urandom swap\n');
    expect(rewriteReferences('swap /dev/disk/by-id/ata-DISK_S-part6 /dev/urandom swap\n', renamedDevices(bare, onto(mbr, '/dev/vdc'), new Map([['cdec0003-06', '0000-6']])), 'path').text).toBe('swap /dev/disk/by-partuuid/0000-6 /dev/urandom swap\n');
  });
  it('stay as they are on the same disk with the same name', () => {
    expect(renamedDevices(survey(mbr), onto(mbr, '/dev/sda', 'same serial number or WWN'), new Map())).toEqual([]);
    expect(renamedDevices(survey(mbr), onto(mbr, '/dev/sdb', 'same serial number or WWN'), new Map()).map((r) => r.from)).toEqual(['/dev/sda', '/dev/sda1', '/dev/sda2', '/dev/sda5', '/dev/sda6']);
  });
  it('in an environment block of GRUB leave it 1024 bytes long', () => {
    const renamed = renamedDevices(survey(mbr), onto(mbr, '/dev/vda'), new Map());
    const block = '# GRUB Environment Block\nkernelopts=root=/dev/sda1 ro\n'.padEnd(1024, '#');
    const result = rewriteGrubEnvironment(block, renamed);
    expect(result?.text).toBe('# GRUB Environment Block\nkernelopts=root=UUID=root-uuid ro\n'.padEnd(1024, '#'));
    expect(rewriteGrubEnvironment(`# GRUB Environment Block\nk=/dev/sda1${' x'.repeat(494)}\n`.padEnd(1024, '#'), renamed)).toBeUndefined();
  });
  it('are found in the files of a system; links are not followed', () => {
    for (const d of ['etc/default', 'boot/grub', 'boot/loader/entries', 'etc/systemd/system']) mkdirSync(join(dir, d), { recursive: true });
    writeFileSync(join(dir, 'outside'), '/dev/sda1\n');
    writeFileSync(join(dir, 'etc/fstab'), FSTAB);
    writeFileSync(join(dir, 'boot/loader/entries/x.conf'), 'options root=/dev/sda1\n');
    writeFileSync(join(dir, 'etc/systemd/system/srv.mount'), '[Mount]\nWhat=/dev/sda1\n');
    symlinkSync(join(dir, 'outside'), join(dir, 'etc/crypttab'));
    const said = rewriteSystem(dir, renamedDevices(survey(mbr), onto(mbr, '/dev/vda'), new Map()));
    expect(said).toEqual(['/etc/fstab: /dev/sda1 -> UUID=root-uuid', '/etc/fstab: /dev/disk/by-id/ata-DISK_S-part6 -> UUID=swap-uuid', '/boot/loader/entries/x.conf: /dev/sda1 -> UUID=root-uuid', '/etc/systemd/system/srv.mount: /dev/sda1 -> /dev/disk/by-uuid/root-uuid']);
    expect(readFileSync(join(dir, 'outside'), 'utf8')).toBe('/dev/sda1\n');
    expect(rewriteSystem(dir, renamedDevices(survey(mbr), onto(mbr, '/dev/vda'), new Map()))).toEqual([]);
  });
});

describe('another partition table', () => {
  it('MBR to GPT: numbers stay, the extended partition goes, GRUB gets its place', () => {
    const { disk, partUuids } = convertTable(mbr, 'gpt', true);
    expect(disk.table?.partitions.map((p) => [p.number, p.start, p.sectors])).toEqual([[1, 2048, 1_000_000], [5, 1_005_568, 500_000], [6, 1_509_376, 100_000], [2, 34, 2014]]);
    expect([...partUuids.keys()]).toEqual(['cdec0003-01', 'cdec0003-05', 'cdec0003-06']);
    expect(convertTable(mbr, 'gpt', true)).toEqual({ disk, partUuids });
    expect(sfdiskScript(disk.table as NonNullable<Disk['table']>)).toContain('2 : start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649');
    // Code that starts from an MBR is of no use before a GPT.
    expect(['gpt', 'dos'].map((type) => convertTable({ ...mbr, bootCode: '6wAA' }, type as 'gpt' | 'dos', false).disk.bootCode)).toEqual(['', '6wAA']);
    const old = { ...mbr, table: { type: 'dos' as const, id: '0x1', partitions: [part(1, 63, 100_000)] } };
    expect(convertTable(old, 'gpt', true).disk.table?.partitions.map((p) => [p.number, p.start])).toEqual([[1, 2048], [2, 34]]);
  });
  it('GPT to MBR: more than four partitions become logical ones, and what lies on them follows', () => {
    const gpt: Disk = { ...mbr, table: { type: 'gpt', id: 'G', partitions: [part(1, 34, 2014, { type: '21686148-6449-6E6F-744E-656564454649', uuid: 'A' }), ...[2, 3, 4, 5, 6].map((n) => part(n, 2048 + (n - 2) * 204_800, 204_800, { type: n === 6 ? '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F' : 'x', uuid: `U${String(n)}` }))] } };
    const { survey: s, partUuids } = convertSurvey(survey(gpt), new Map([['/dev/sda', 'dos']]));
    expect(s.disks[0]?.table?.partitions.map((p) => [p.number, p.type])).toEqual([[1, '83'], [2, '83'], [3, '83'], [5, '83'], [6, '82'], [4, 'f']]);
    const logical = s.disks[0]?.table?.partitions[3];
    expect(logical?.start).toBe(2048 + 3 * 204_800 + 2048);
    expect(s.swaps[0]).toMatchObject({ device: '/dev/sda6', partition: 6 });
    expect(partUuids.get('u4')).toMatch(/^[0-9a-f]{8}-03$/);
    const huge = { ...gpt, table: { type: 'gpt' as const, id: 'G', partitions: [part(1, 2048, 2 ** 33)] } };
    expect(() => convertTable(huge, 'dos', false)).toThrow(/behind 2 TiB/);
  });
});
