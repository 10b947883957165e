import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, FileSystem, Layer, Survey } from '@cdrec/survey';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitSurvey, leastDiskBytes, sfdiskScript, withoutContent, type Assignment } from './index.ts';

const MIB = 1 << 20;
const fs = (device: string, mount: string, usedMiB: number, over: Partial<FileSystem> = {}): FileSystem => ({ device, disk: '/dev/sda', partition: 1, type: 'ext4', uuid: mount, label: '', bytes: 0, usedBytes: usedMiB * MIB, mount, options: '', parameters: {}, ...over });
/** A disk of partitions of so many MiB; MBR ones from the fourth on are logical. */
function disk(type: 'gpt' | 'dos', sizes: readonly number[]): Disk {
  let at = 2048;
  const logicalFrom = type === 'dos' && sizes.length > 4 ? 3 : Infinity;
  const partitions = sizes.map((mib, i) => {
    const logical = i >= logicalFrom;
    const start = at + (logical ? 2048 : 0);
    at = start + mib * 2048;
    const number = logical ? i + 2 : i + 1;
    return { number, node: `/dev/sda${String(number)}`, start, sectors: mib * 2048, type: type === 'gpt' ? '0FC63DAF-8483-4772-8E79-3D69D8477DE4' : '83', bootable: false };
  });
  const [firstLogical] = partitions.filter((p) => p.number > 4);
  if (firstLogical !== undefined && logicalFrom !== Infinity) partitions.push({ number: 4, node: '/dev/sda4', start: firstLogical.start - 2048, sectors: at - firstLogical.start + 2048, type: '5', bootable: false });
  return { device: '/dev/sda', model: '', serial: '', wwn: '', transport: '', bytes: (at + 4096) * 512, sectorBytes: 512, used: true, links: [], table: { type, id: type === 'dos' ? '0x1' : '11111111-2222-4333-8444-555555555555', partitions } };
}
const survey = (d: Disk, fileSystems: readonly FileSystem[], layers: readonly Layer[] = []): Survey => ({ disks: [d], fileSystems: [...fileSystems], layers: [...layers], swaps: [], swapFiles: [], images: [] }) as unknown as Survey;
const onto = (source: Disk, bytes: number): Assignment[] => [{ source, rule: 'named by you', target: { device: '/dev/vda', bytes, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } }];

describe('sizes on other disks', () => {
  it('stay as they are where there is room, and grow when that is wished', () => {
    const d = disk('gpt', [1, 300, 4000]);
    const s = survey(d, [fs('/dev/sda2', '/boot', 100), fs('/dev/sda3', '/', 500, { parameters: { inodes: '1000' } })]);
    expect(fitSurvey(s, onto(d, d.bytes), false)).toEqual({ survey: s, changes: [] });
    expect(fitSurvey(s, onto(d, d.bytes * 2), false).changes).toEqual([]);
    const grown = fitSurvey(s, onto(d, 8400 * MIB), true);
    expect(grown.changes.map((c) => c.what)).toEqual(['partition /dev/sda3']);
    expect(grown.survey.disks[0]?.table?.partitions[1]?.sectors).toBe(300 * 2048);
    expect(Number(grown.survey.fileSystems[1]?.parameters['inodes'])).toBeGreaterThan(1990);
  });

  it('leave room for as many inodes as are in use, and for tables of them', () => {
    const d = disk('gpt', [1, 40_000]);
    const of = (over: Partial<FileSystem>): Survey => survey(d, [fs('/dev/sda2', '/', 2000, { bytes: 39_000 * MIB, ...over })]);
    const smaller = (s: Survey, mib: number): Readonly<Record<string, string>> | undefined => fitSurvey(s, onto(d, mib * MIB), false).survey.fileSystems[0]?.parameters;
    // Many small files: a quarter of the size has a quarter of the inodes, and these would be too few.
    expect(Number(smaller(of({ parameters: { inodes: '2560000' }, usedInodes: 2_400_000 }), 10_000)?.['inodes'])).toBe(2_641_000);
    expect(Number(smaller(of({ parameters: { inodes: '2560000' }, usedInodes: 10_000 }), 10_000)?.['inodes'])).toBeLessThan(650_000);
    // Tables of a GiB and more are no room for files.
    expect(leastDiskBytes(of({ parameters: { inodes: '10240000', inodeSize: '512' }, usedInodes: 4_000_000 }), d) / MIB).toBeGreaterThan(2000 * 1.1 + (4_400_000 * 512) / MIB);
    expect(leastDiskBytes(of({ parameters: { inodes: '40000000', inodeSize: '512' } }), d) / MIB).toBeGreaterThan(3200);
    // Of an xfs a quarter may be inodes, or more when it is said.
    const xfs = { type: 'xfs' as const, usedInodes: 4_000_000, parameters: { inodeSize: '512' } };
    expect(smaller(of(xfs), 20_000)?.['imaxpct']).toBeUndefined();
    expect(smaller(of(xfs), 5000)?.['imaxpct']).toBe('44');
    expect(smaller(of({ ...xfs, parameters: { ...xfs.parameters, imaxpct: '60' } }), 5000)?.['imaxpct']).toBe('60');
  });

  it('of the devices of one btrfs shrink by the share that the whole can do without, by its profile', () => {
    const GIB = 1 << 30;
    const member = (device: string, gib: number): Disk => ({ ...disk('gpt', [gib * 1024]), device, bytes: gib * GIB + 4 * MIB, table: { type: 'gpt', id: device, partitions: [{ number: 1, node: `${device}1`, start: 2048, sectors: gib * 2097152, type: 'L', bootable: false }] } });
    const pair = (data: string, metadata: string, gib: readonly number[], usedMiB: number): [Survey, Disk[]] => {
      const disks = gib.map((n, i) => member(`/dev/sd${'abc'.charAt(i)}`, n));
      const s = { ...survey(disks[0] as Disk, [fs('/dev/sda1', '/', usedMiB, { type: 'btrfs', uuid: 'B' })], [{ type: 'btrfs', device: '/dev/sda1', devices: disks.map((d) => `${d.device}1`), uuid: 'B', label: '', data, metadata, nodeBytes: 16384, sectorBytes: 4096, checksum: 'crc32c', defaultSubvolume: '', subvolumes: [] }]), disks };
      return [s, disks];
    };
    const least = (...args: Parameters<typeof pair>): number[] => {
      const [s, disks] = pair(...args);
      return disks.map((d) => Math.round(leastDiskBytes(s, d) / MIB) - 2);
    };
    // 1 GiB, twice, a sixth more, and 96 MiB each.
    expect(least('RAID1', 'RAID1', [10, 10], 1024)).toEqual([1295, 1295]);
    // Of unequal ones RAID1 has no use for more of the larger than the other can mirror.
    expect(least('RAID1', 'RAID1', [30, 10], 1024)).toEqual([3883, 1295]);
    expect(least('RAID0', 'RAID1', [10, 10], 1024)).toEqual([1295, 1295]);
    expect(least('RAID5', 'RAID1', [10, 10, 10], 1024)).toEqual([1295, 1295, 1295]);
    expect(least('RAID1', 'RAID1', [10, 10], 10)).toEqual([256, 256]);
    // Full, or of a profile that is not understood: they stay.
    expect(least('RAID1', 'RAID1', [4, 4], 4000)).toEqual([4095, 4095]);
    expect(least('single, RAID1', 'RAID1', [10, 10], 1024)).toEqual([10239, 10239]);
    const [s, disks] = pair('RAID1', 'RAID1', [10, 10], 1024);
    const smaller = fitSurvey(s, disks.map((source, i) => ({ ...(onto(source, 8 * GIB)[0] as Assignment), target: { ...(onto(source, 8 * GIB)[0] as Assignment).target, device: `/dev/vd${'ab'.charAt(i)}` } })), false);
    expect(smaller.changes.map((c) => [c.what, Math.round(c.to / MIB)])).toEqual([['partition /dev/sda1', 8189], ['partition /dev/sdb1', 8189]]);
  });

  it('are never below what is used, never overlap, and end on the disk; sfdisk takes the table', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-fit-'));
    let tables = 0;
    try {
      fc.assert(fc.property(fc.constantFrom('gpt' as const, 'dos' as const), fc.array(fc.record({ mib: fc.integer({ min: 200, max: 5000 }), used: fc.integer({ min: 0, max: 100 }), elastic: fc.boolean() }), { minLength: 1, maxLength: 7 }), fc.integer({ min: 0, max: 200 }), fc.boolean(), (type, parts, percent, grow) => {
        const d = disk(type, parts.map((p) => p.mib));
        const nodes = (d.table?.partitions ?? []).filter((p) => p.type !== '5').map((p) => p.node);
        const own = parts.flatMap((part, i) => (part.elastic ? [fs(nodes[i] as string, `/m${String(i)}`, Math.floor((part.mib * part.used) / 130))] : []));
        const s = survey(d, own);
        const least = leastDiskBytes(s, d);
        const bytes = Math.floor((d.bytes * percent) / 100 / 512) * 512;
        let fitted;
        try {
          fitted = fitSurvey(s, onto(d, bytes), grow);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DISK_TOO_SMALL' });
          expect(bytes).toBeLessThan(least);
          return;
        }
        const table = fitted.survey.disks[0]?.table;
        if (table === undefined) throw new Error('no table');
        const real = table.partitions.filter((p) => p.type !== '5').sort((a, b) => a.start - b.start);
        for (const [i, p] of real.entries()) {
          const before = d.table?.partitions.find((q) => q.number === p.number)?.sectors ?? 0;
          const f = own.find((x) => x.device === p.node);
          if (f === undefined) expect(p.sectors).toBe(before);
          else expect(p.sectors * 512).toBeGreaterThanOrEqual(Math.min(before * 512, f.usedBytes));
          const next = real[i + 1];
          if (next !== undefined) expect(next.start).toBeGreaterThanOrEqual(p.start + p.sectors + (type === 'dos' && next.number > 4 ? 1 : 0));
          else expect((p.start + p.sectors) * 512).toBeLessThanOrEqual(bytes - (type === 'gpt' ? 33 * 512 : 0));
        }
        if (tables++ % 8 !== 0) return;
        const image = join(dir, 'disk');
        execFileSync('truncate', ['-s', String(bytes), image]);
        execFileSync('sfdisk', ['-q', image], { input: sfdiskScript(table), stdio: ['pipe', 'ignore', 'pipe'] });
        rmSync(image);
      }), { numRuns: 300 });
      expect(tables).toBeGreaterThan(50);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('need no room for what comes back without its files', () => {
    const d = disk('gpt', [1, 2000, 20_000]);
    const s = { ...survey(d, [fs('/dev/sda2', '/', 1000), fs('/dev/sda3', '/srv', 15_000, { usedInodes: 5_000_000, parameters: { inodes: '6000000' } })]), swapFiles: [{ path: '/srv/swap', bytes: 500 * MIB, uuid: '', label: '', mode: 0o600 }] } as unknown as Survey;
    expect(() => fitSurvey(s, onto(d, 5000 * MIB), false)).toThrow('too small');
    const left = withoutContent(s, [], ['/srv']);
    expect(left.fileSystems.map((f) => f.usedBytes / MIB)).toEqual([1000, 500]);
    const fitted = fitSurvey(left, onto(d, 5000 * MIB), false).survey;
    expect(Number(fitted.fileSystems[1]?.parameters['inodes'])).toBeLessThan(2_000_000);
    expect(withoutContent(s, [], [])).toBe(s);
    expect(() => withoutContent(s, [], ['/'])).toThrow('nothing would start');
    expect(() => withoutContent(s, [], ['/home'])).toThrow('/home is no file system of this machine');
    // Of a btrfs with two subvolumes the other one keeps its share.
    const pool = survey(d, [fs('/dev/sda3', '/', 9000, { type: 'btrfs', uuid: 'B', subvolume: '@' }), fs('/dev/sda3', '/home', 0, { type: 'btrfs', uuid: 'B', subvolume: '@home' })]);
    const archives = [{ kind: 'tar', mount: '/', contentBytes: 1000 }, { kind: 'tar', mount: '/home', contentBytes: 2000 }];
    expect(withoutContent(pool, archives, ['/home']).fileSystems.map((f) => f.usedBytes / MIB)).toEqual([3000, 0]);
  });

  it('of mirrored volumes count the metadata of their images, of encrypted ones where their data begins', () => {
    const member = (device: string): Disk => ({ device, model: '', serial: '', wwn: '', transport: '', bytes: 10_000 * MIB, sectorBytes: 512, used: true, links: [] });
    const [a, b] = [member('/dev/sda'), member('/dev/sdb')];
    const volume = (name: string, kind: 'linear' | 'raid1' | 'thin-pool', mib: number, over: object = {}): object => ({ name, device: `/dev/mapper/vg-${name}`, kind, bytes: mib * MIB, on: [], ...(kind === 'raid1' ? { stripes: 2 } : {}), ...over });
    const group = (physical: string[], volumes: object[]): Layer => ({ type: 'vg', name: 'vg', uuid: 'u', extentBytes: 4 * MIB, physical: physical.map((device) => ({ device, uuid: 'u', startBytes: MIB, bytes: 9996 * MIB })), volumes }) as unknown as Layer;
    const volumesOf = (s: Survey): number[] => (s.layers.find((l) => l.type === 'vg') as Layer & { type: 'vg' }).volumes.map((v) => v.bytes / MIB);
    const mirrors = group(['/dev/sda', '/dev/sdb'], [volume('one', 'raid1', 1000), volume('two', 'raid1', 1000), volume('three', 'raid1', 1000), volume('rest', 'linear', 5000)]);
    const s = { ...survey(a, [fs('/dev/mapper/vg-rest', '/', 100)], [mirrors]), disks: [a, b] };
    const at = (mib: number): Assignment[] => [...onto(a, mib * MIB), { ...(onto(b, mib * MIB)[0] as Assignment), target: { ...(onto(b, mib * MIB)[0] as Assignment).target, device: '/dev/vdb' } }];
    for (const mib of [5000, 12_000]) {
      const [one, two, three, rest] = volumesOf(fitSurvey(s, at(mib), true).survey) as [number, number, number, number];
      expect([one, two, three]).toEqual([1000, 1000, 1000]);
      expect(rest + 6 * 1004).toBeLessThanOrEqual(2 * Math.floor((mib - 1) / 4) * 4);
      expect(rest).toBeGreaterThan(2 * mib - 6 * 1004 - 30);
    }
    const crypt: Layer = { type: 'luks', device: '/dev/mapper/c', name: 'c', on: '/dev/sda', uuid: 'u', label: '', version: '2', cipher: '', keyBits: 512, hash: '', sectorBytes: 512, pbkdf: '', slots: 1, flags: [], offsetBytes: 512 * MIB };
    const secret = survey(a, [fs('/dev/mapper/vg-rest', '/', 100)], [crypt, group(['/dev/mapper/c'], [volume('rest', 'linear', 9000)])]);
    expect(volumesOf(fitSurvey(secret, onto(a, 5000 * MIB), false).survey)[0]).toBeLessThanOrEqual(5000 - 512 - 1);
    // Full to the last extent of a whole disk, and none of it can shrink: a disk that is larger by a little holds it.
    const full = survey(a, [], [group(['/dev/sda'], [volume('pool', 'thin-pool', 9900, { metadataBytes: 48 * MIB })])]);
    expect(volumesOf(fitSurvey(full, onto(a, a.bytes + 512), false).survey)).toEqual([9900]);
  });

  it('of what is full stay as they are: an equal disk is always large enough', () => {
    const whole: Disk = { device: '/dev/sda', model: '', serial: '', wwn: '', transport: '', bytes: 10_000 * MIB, sectorBytes: 512, used: true, links: [] };
    const full = survey(whole, [fs('/dev/sda', '/data', 9900, { partition: 0, bytes: 9950 * MIB })]);
    expect(leastDiskBytes(full, whole)).toBe(whole.bytes);
    expect(fitSurvey(full, onto(whole, whole.bytes), false).changes).toEqual([]);
    expect(() => fitSurvey(full, onto(whole, whole.bytes - 512), false)).toThrow('too small for what is used on /dev/sda by 512 bytes');
    // Of two volumes the full one keeps its size, the other one gives.
    const volume = (name: string, mib: number): { name: string; device: string; kind: 'linear'; bytes: number; on: string[] } => ({ name, device: `/dev/mapper/vg-${name}`, kind: 'linear', bytes: mib * MIB, on: [] });
    const group: Layer = { type: 'vg', name: 'vg', uuid: 'u', extentBytes: 4 * MIB, physical: [{ device: '/dev/sda', uuid: 'u', startBytes: MIB, bytes: 9996 * MIB }], volumes: [volume('full', 5000), volume('empty', 4000)] };
    const s = survey(whole, [fs('/dev/mapper/vg-full', '/full', 4950), fs('/dev/mapper/vg-empty', '/empty', 100)], [group]);
    expect(leastDiskBytes(s, whole) / MIB).toBeLessThan(5000 + 230);
    const [one, two] = (fitSurvey(s, onto(whole, 5400 * MIB), false).survey.layers[0] as typeof group & { type: 'vg' }).volumes.map((v) => v.bytes / MIB);
    expect([one, (two as number) > 213]).toEqual([5000, true]);
  });

  it('follow each other through arrays, encryption and volumes', () => {
    const a = disk('gpt', [1, 8000]);
    const b: Disk = { ...a, device: '/dev/sdb', table: { ...a.table as NonNullable<Disk['table']>, partitions: (a.table?.partitions ?? []).map((p) => ({ ...p, node: p.node.replace('sda', 'sdb') })) } };
    const volume = (name: string, mib: number): { name: string; device: string; kind: 'linear'; bytes: number; on: string[] } => ({ name, device: `/dev/mapper/vg-${name}`, kind: 'linear', bytes: mib * MIB, on: [] });
    const layers: Layer[] = [
      { type: 'raid', device: '/dev/md0', uuid: 'u', name: 'h:0', level: 'raid1', count: 2, metadata: '1.2', bitmap: true, members: [{ device: '/dev/sda2', slot: 0 }, { device: '/dev/sdb2', slot: 1 }] },
      { type: 'luks', device: '/dev/mapper/c', name: 'c', on: '/dev/md0', uuid: 'u', label: '', version: '2', cipher: '', keyBits: 512, hash: '', sectorBytes: 512, pbkdf: '', slots: 1, flags: [] },
      { type: 'vg', name: 'vg', uuid: 'u', extentBytes: 4 * MIB, physical: [{ device: '/dev/mapper/c', uuid: 'u', startBytes: MIB, bytes: 7900 * MIB }], volumes: [volume('root', 4000), volume('swap', 500), volume('home', 3000)] },
    ];
    const s = { ...survey(a, [fs('/dev/mapper/vg-root', '/', 1000), fs('/dev/mapper/vg-home', '/home', 500)], layers), disks: [a, b] };
    // Only one of the two is smaller: the array is as small as that one.
    const fitted = fitSurvey(s, [...onto(a, 5000 * MIB), ...onto(b, b.bytes)], false);
    const group = fitted.survey.layers[2];
    if (group?.type !== 'vg') throw new Error('no group');
    const [root, swap, home] = group.volumes.map((v) => v.bytes / MIB) as [number, number, number];
    expect(swap).toBe(500);
    expect(root + swap + home).toBeLessThan(4900);
    expect(root + swap + home).toBeGreaterThan(4600);
    expect(root).toBeGreaterThan(1000 * 1.17);
    expect(home).toBeGreaterThan(500 * 1.17);
    expect(fitted.changes.map((c) => c.what)).toEqual(['partition /dev/sda2', 'logical volume vg/root', 'logical volume vg/home']);
    expect(() => fitSurvey(s, [...onto(a, 2000 * MIB), ...onto(b, b.bytes)], false)).toThrow(/too small for what is used on \/dev\/sda by \d+ bytes/);
  });
});
