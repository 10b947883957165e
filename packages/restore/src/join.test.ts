import type { Disk, Survey } from '@cdrec/survey';
import { describe, expect, it } from 'vitest';
import { lostRedundancy } from './join.ts';
import { chained, joinDisks, planRestore, renamedDevices, rewriteReferences, type Assignment } from './index.ts';

const blank = { model: '', wwn: '', transport: '', sectorBytes: 512, used: true };
const system: Disk = {
  ...blank, device: '/dev/sda', serial: 'A', bytes: 4e9, links: ['by-id/ata-A'],
  table: { type: 'dos', id: '0xcdec0001', partitions: [{ number: 1, node: '/dev/sda1', start: 2048, sectors: 2_000_000, type: '83', bootable: true }, { number: 2, node: '/dev/sda2', start: 2_002_944, sectors: 4_000_000, type: '5', bootable: false }, { number: 5, node: '/dev/sda5', start: 2_004_992, sectors: 1_000_000, type: '8e', bootable: false }] },
};
const GUID = '11111111-2222-4333-8444-555555555555';
const data: Disk = {
  ...blank, device: '/dev/sdb', serial: 'B', bytes: 8e9, sectorBytes: 4096, links: ['by-id/ata-B'],
  table: { type: 'gpt', id: 'G', partitions: [{ number: 1, node: '/dev/sdb1', start: 34, sectors: 200, type: '21686148-6449-6E6F-744E-656564454649', uuid: 'AAAA', bootable: false }, { number: 7, node: '/dev/sdb7', start: 256, sectors: 500_000, type: 'L', uuid: GUID, name: 'data', bootable: false }] },
};
const whole: Disk = { ...blank, device: '/dev/sdc', serial: 'C', bytes: 2e9, links: ['by-id/ata-C', 'by-path/pci-c'] };
const fs = (device: string, disk: string, partition: number, mount: string): object => ({ device, disk, partition, type: 'ext4', uuid: `u${mount}`, label: '', bytes: 1e8, usedBytes: 1e7, mount, options: '', parameters: {} });
const survey = {
  host: { name: 'h', osId: 'debian' }, modules: [], images: [], swaps: [], swapFiles: [], disks: [data, system, whole, { ...whole, device: '/dev/sdz', used: false }],
  boot: { commandLine: '', loaders: [{ type: 'grub-bios', disk: '/dev/sda', directory: '/boot/grub' }, { type: 'grub-bios', disk: '/dev/sdb', directory: '/boot/grub' }], entries: [] },
  layers: [{ type: 'vg', name: 'vg', uuid: 'x', extentBytes: 4 << 20, physical: [{ device: '/dev/sda5', uuid: 'p', startBytes: 1 << 20, bytes: 5e8 }, { device: '/dev/sdc', uuid: 'q', startBytes: 1 << 20, bytes: 19e8 }], volumes: [{ name: 'safe', device: '/dev/mapper/vg-safe', kind: 'raid1', stripes: 2, bytes: 4 << 20, on: ['/dev/sda5', '/dev/sdc'] }] }],
  fileSystems: [fs('/dev/sda1', '/dev/sda', 1, '/'), fs('/dev/sdb7', '/dev/sdb', 7, '/srv'), fs('/dev/mapper/vg-safe', '', 0, '/safe')],
} as unknown as Survey;
const chosen = new Map([['/dev/sda', '/dev/nvme0n1'], ['/dev/sdb', '/dev/nvme0n1'], ['/dev/sdc', '/dev/nvme0n1']]);

describe('several disks that go onto one', () => {
  it('are one disk: that of the boot loader first, a GPT, numbers that go on, sizes and ids that stay', () => {
    const { survey: joined, others, partUuids } = joinDisks(survey, chosen);
    expect([...others].map(([host, rest]) => [host, rest.map((d) => d.device)])).toEqual([['/dev/sda', ['/dev/sdb', '/dev/sdc']]]);
    expect(joined.disks.map((d) => d.device)).toEqual(['/dev/sda', '/dev/sdz']);
    expect(joined.boot.loaders).toHaveLength(1);
    const table = joined.disks[0]?.table;
    // Of an MBR there is a place for GRUB (2); that of the other disk is not needed; sectors are those of the first.
    expect(table?.partitions.map((p) => [p.number, p.node, p.sectors, p.name])).toEqual([[1, '/dev/sda1', 2_000_000, undefined], [5, '/dev/sda5', 1_000_000, undefined], [2, '/dev/sda (BIOS boot)', 2014, 'BIOS boot'], [6, '/dev/sdb7', 4_000_000, 'data'], [7, '/dev/sdc', 3_906_250, undefined]]);
    expect(table?.partitions.slice(3).map((p) => p.start % 2048)).toEqual([0, 0]);
    expect(table?.partitions[3]?.uuid).toBe(GUID);
    expect([...partUuids.keys()]).toEqual(['cdec0001-01', 'cdec0001-05']);
    expect(joined.fileSystems.map((f) => [f.mount, f.disk, f.partition])).toEqual([['/', '/dev/sda', 1], ['/srv', '/dev/sda', 6], ['/safe', '', 0]]);
  });
  it('have a plan that names them all, and says what is less safe', () => {
    const { survey: joined, others, partUuids } = joinDisks(survey, chosen);
    const source = joined.disks[0] as Disk;
    const assignments: Assignment[] = [{ source, others: others.get('/dev/sda') ?? [], rule: 'named by you', target: { device: '/dev/nvme0n1', bytes: 16e9, sectorBytes: 512, model: '', serial: 'N', wwn: '', content: '', refusal: undefined, onlyByName: false } }];
    const plan = planRestore({ survey: joined, partUuids, assignments, archives: ['/', '/srv', '/safe'].map((mount) => ({ name: `x${mount}`, kind: 'tar', mount, device: '', compress: 'zstd', contentBytes: 1 })) });
    // A file system that comes back empty is made, neither filled nor compared.
    const left = planRestore({ empty: ['/srv'], check: true, survey: joined, partUuids, assignments, archives: ['/', '/srv', '/safe'].map((mount) => ({ name: `x${mount}`, kind: 'tar', mount, device: '', compress: 'zstd', contentBytes: 1 })) });
    expect(left.steps.map((t) => t.id)).toEqual(expect.arrayContaining(['extract /', 'check /', 'extract /safe']));
    expect(left.steps.filter((t) => t.id.endsWith(' /srv'))).toEqual([]);
    expect(left.warnings).toContain('/srv comes back without its files; they stay in the set (restore-fs --fs /srv)');
    expect(left.steps.filter((t) => t.kind === 'make').length).toBe(plan.steps.filter((t) => t.kind === 'make').length);
    expect(plan.disks).toMatchObject([{ source: '/dev/sda', others: ['/dev/sdb', '/dev/sdc'], target: '/dev/nvme0n1' }]);
    expect(plan.warnings.filter((w) => w.includes('on one disk now'))).toEqual(['the logical volume vg/safe (raid1) has several of its members on one disk now: it is lost with this disk']);
    expect(plan.steps.filter((s) => s.kind === 'wipe' || s.kind === 'table' || s.kind === 'grub-bios').map((s) => s.id)).toEqual(['wipe /dev/nvme0n1', 'table /dev/nvme0n1', 'boot loader /dev/nvme0n1']);
    expect(plan.steps.find((s) => s.kind === 'layer')).toMatchObject({ step: { what: 'volume group vg on /dev/nvme0n1p5, /dev/nvme0n1p7 with safe' } });
    expect(plan.steps.filter((s) => s.kind === 'make').map((s) => ('device' in s ? s.device : ''))).toEqual(['/dev/nvme0n1p1', '/dev/mapper/vg-safe', '/dev/nvme0n1p6']);
    const text = ['/dev/sda1', '/dev/sdb7', '/dev/sdc', '/dev/disk/by-id/ata-B-part7', '/dev/disk/by-id/ata-C', '/dev/disk/by-id/ata-A-part5', 'PARTUUID=cdec0001-01', `PARTUUID=${GUID}`].join('\n');
    const gpt = source.table?.partitions ?? [];
    const id = (number: number): string => `PARTUUID=${gpt.find((p) => p.number === number)?.uuid?.toLowerCase() ?? ''}`;
    expect(rewriteReferences(text, renamedDevices(joined, assignments, partUuids), 'tag').text.split('\n')).toEqual(['UUID=u/', 'UUID=u/srv', id(7), 'UUID=u/srv', id(7), id(5), id(1), `PARTUUID=${GUID}`]);
  });
  it('lose no redundancy that they never had', () => {
    const on = ['/dev/sda5', '/dev/sdc'];
    const btrfs = { type: 'btrfs', device: on[0], devices: on, uuid: 'B', label: '', nodeBytes: 16384, sectorBytes: 4096, checksum: 'crc32c', defaultSubvolume: '', subvolumes: [] };
    const raid = { type: 'raid', device: '/dev/md0', count: 2, members: on.map((device, slot) => ({ device, slot })) };
    const said = (layer: object): string[] => {
      const { survey: joined, others } = joinDisks({ ...survey, layers: [layer] } as unknown as Survey, chosen);
      return lostRedundancy(joined, others);
    };
    expect([{ ...btrfs, data: 'RAID0', metadata: 'RAID0' }, { ...btrfs, data: 'single', metadata: 'DUP' }, { ...raid, level: 'raid0' }, { ...raid, level: 'linear' }].flatMap(said)).toEqual([]);
    expect([{ ...btrfs, data: 'RAID0', metadata: 'RAID1' }, { ...raid, level: 'raid1' }].flatMap(said)).toHaveLength(2);
  });
  it('that were copies of each other have partitions of their own ids; others stay as they are', () => {
    const copy = { ...data, device: '/dev/sdd', table: { ...(data.table as NonNullable<Disk['table']>), partitions: (data.table?.partitions ?? []).map((p) => ({ ...p, node: p.node.replace('sdb', 'sdd') })) } };
    const both = joinDisks({ ...survey, disks: [data, copy], boot: { ...survey.boot, loaders: [] } }, new Map([['/dev/sdb', '/dev/x'], ['/dev/sdd', '/dev/x']])).survey;
    const uuids = both.disks[0]?.table?.partitions.map((p) => p.uuid);
    expect([uuids?.length, new Set(uuids).size]).toEqual([3, 3]);
    expect(joinDisks(survey, new Map([['/dev/sda', '/dev/x'], ['/dev/sdb', '/dev/y']])).survey).toBe(survey);
  });
  it('that have more partitions together than a table holds are refused', () => {
    const many = (device: string): Disk => ({ ...data, device, table: { type: 'gpt', id: device, partitions: Array.from({ length: 70 }, (_, i) => ({ number: i + 1, node: `${device}${String(i + 1)}`, start: 2048 * (i + 1), sectors: 8, type: 'L', uuid: `${device}${String(i)}`, bootable: false })) } });
    expect(() => joinDisks({ ...survey, disks: [many('/dev/sda'), many('/dev/sdb')] }, chosen)).toThrow(/140 partitions together: the table has room for 128/);
  });
  it('and get another table then: PARTUUIDs are followed through both changes', () => {
    expect([...chained(new Map([['a', 'b'], ['c', 'd']]), new Map([['b', 'x'], ['e', 'f']]))]).toEqual([['a', 'x'], ['c', 'd'], ['e', 'f']]);
  });
});
