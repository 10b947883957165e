import type { Disk } from '@cdrec/survey';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignDisks, neededBytes, partitionNode, sfdiskScript, toTargets, type TargetDisk } from './index.ts';

const disk = (device: string, over: Partial<Disk> = {}): Disk => ({
  device, model: 'M', serial: '', wwn: '', transport: 'sata', bytes: 100_000 * 512, sectorBytes: 512, used: true, links: [],
  table: { type: 'gpt', id: 'X', partitions: [{ number: 1, node: `${device}1`, start: 2048, sectors: 50_000, type: 'linux', bootable: false }] }, ...over,
});
const target = (device: string, over: Partial<TargetDisk> = {}): TargetDisk => ({ device, bytes: 100_000 * 512, sectorBytes: 512, model: '', serial: '', wwn: '', content: 'blank', refusal: undefined, onlyByName: false, ...over });
const none = new Map<string, string>();

describe('matching of disks', () => {
  it('prefers serial numbers, whatever the names are', () => {
    const result = assignDisks([disk('/dev/sda', { serial: 'A' }), disk('/dev/sdb', { serial: 'B' })], [target('/dev/sda', { serial: 'B' }), target('/dev/sdb', { serial: 'A' })], none);
    expect(result.map((a) => [a.source.device, a.target.device])).toEqual([['/dev/sda', '/dev/sdb'], ['/dev/sdb', '/dev/sda']]);
  });
  it('asks where several disks have one serial number, unless model and size tell', () => {
    const pair = [disk('/dev/sda', { serial: '0123456789ABCDEF', model: 'Adapter' }), disk('/dev/sdb', { serial: '0123456789ABCDEF', model: 'Adapter' })];
    const adapter = (device: string, bytes: number): TargetDisk => target(device, { serial: '0123456789ABCDEF', model: 'Adapter', bytes, onlyByName: true });
    const first = pair[0] as Disk;
    expect(() => assignDisks([first], [adapter('/dev/sda', first.bytes), adapter('/dev/sdb', first.bytes)], none)).toThrow(/no disk can take the place/);
    expect(assignDisks([first], [adapter('/dev/sda', 9e9), adapter('/dev/sdb', first.bytes)], none)[0]).toMatchObject({ target: { device: '/dev/sdb' }, rule: 'same serial number or WWN' });
    expect(() => assignDisks(pair, [adapter('/dev/sda', first.bytes), adapter('/dev/sdb', first.bytes)], none)).toThrow(/no disk can take the place/);
    expect(() => assignDisks(pair, [adapter('/dev/sda', first.bytes)], none)).toThrow(/no disk can take the place/);
  });
  it('takes several that are alike when all of them are needed, and gives those that need most the first choice', () => {
    const places = (sources: Disk[], targets: TargetDisk[]): string[] => assignDisks(sources, targets, none).map((a) => `${a.source.device} ${a.target.device}`);
    const pair = [disk('/dev/sda'), disk('/dev/sdb')];
    expect(places(pair, [target('/dev/vda'), target('/dev/vdb')])).toEqual(['/dev/sda /dev/vda', '/dev/sdb /dev/vdb']);
    expect(() => places(pair, [target('/dev/vda'), target('/dev/vdb'), target('/dev/vdc')])).toThrow(/several disks/);
    expect(() => places(pair, [target('/dev/vda'), target('/dev/vdb', { model: 'another' })])).toThrow(/several disks/);
    expect(() => places(pair, [target('/dev/vda'), target('/dev/vdb', { bytes: 9e9 })])).toThrow(/several disks/);
    // The small one could go onto both, but then the large one had no place.
    const large = disk('/dev/sdb', { bytes: 4e9, table: { type: 'gpt', id: 'Y', partitions: [{ number: 1, node: '/dev/sdb1', start: 2048, sectors: 6_000_000, type: 'linux', bootable: false }] } });
    expect(places([disk('/dev/sda'), large], [target('/dev/vda', { bytes: 5e9 }), target('/dev/vdb', { bytes: 1e8 })])).toEqual(['/dev/sda /dev/vdb', '/dev/sdb /dev/vda']);
  });
  it('takes the only disk, or the only one of the same size, and asks when several would do', () => {
    expect(assignDisks([disk('/dev/sda')], [target('/dev/vda'), target('/dev/sr9', { refusal: 'it carries a volume of a recovery set' })], none)[0]?.target.device).toBe('/dev/vda');
    expect(assignDisks([disk('/dev/sda')], [target('/dev/vda', { bytes: 9e9 }), target('/dev/vdb')], none)[0]).toMatchObject({ rule: 'the only disk of its size', target: { device: '/dev/vdb' } });
    expect(() => assignDisks([disk('/dev/sda')], [target('/dev/sda'), target('/dev/sdb')], none)).toThrow(/several disks/);
    const stick = target('/dev/sdc', { onlyByName: true });
    expect(assignDisks([disk('/dev/sda')], [stick, target('/dev/sdb')], none)[0]?.target.device).toBe('/dev/sdb');
    expect(() => assignDisks([disk('/dev/sda')], [stick], none)).toThrow(/no disk can take the place/);
    expect(assignDisks([disk('/dev/sda')], [stick], new Map([['/dev/sda', '/dev/sdc']]))[0]?.target).toBe(stick);
    expect(assignDisks([disk('/dev/sda')], [target('/dev/sda'), target('/dev/sdb')], new Map([['/dev/sda', '/dev/sdb']]))[0]?.rule).toBe('named by you');
  });
  it('refuses with the reason', () => {
    const choose = (t: TargetDisk) => () => assignDisks([disk('/dev/sda')], [t], new Map([['/dev/sda', t.device]]));
    expect(choose(target('/dev/vda', { refusal: 'it is in use' }))).toThrow(/it is in use/);
    expect(choose(target('/dev/vda', { bytes: neededBytes(disk('/dev/sda')) - 7 }))).toThrow(/too small for \/dev\/sda by 7 bytes/);
    expect(() => assignDisks([disk('/dev/sda')], [], none)).toThrow(/no disk can take the place/);
    expect(() => assignDisks([disk('/dev/sda')], [target('/dev/vda')], new Map([['/dev/sdz', '/dev/vda']]))).toThrow(/no disk of the survey/);
  });
  it('never gives one disk to two, nor a refused one to any', () => {
    const anyTarget = fc.record({ serial: fc.constantFrom('', 'A', 'B'), bytes: fc.constantFrom(1e6, 60_000 * 512, 100_000 * 512, 9e9), refusal: fc.constantFrom(undefined, 'busy') });
    fc.assert(fc.property(fc.array(fc.constantFrom('', 'A', 'B'), { maxLength: 3 }), fc.array(anyTarget, { maxLength: 4 }), (serials, targets) => {
      const list = targets.map((t, i) => target(`/dev/vd${String(i)}`, t));
      let result;
      try {
        result = assignDisks(serials.map((serial, i) => disk(`/dev/sd${String(i)}`, { serial })), list, none);
      } catch (error) {
        expect(error).toHaveProperty('code');
        return;
      }
      expect(new Set(result.map((a) => a.target.device)).size).toBe(result.length);
      for (const a of result) {
        expect(a.target.refusal).toBeUndefined();
        expect(a.target.bytes).toBeGreaterThanOrEqual(neededBytes(a.source));
      }
    }));
  });
  it('sees media and mounted disks', () => {
    const device = { path: '/dev/sda', type: 'disk', bytes: 1, sectorBytes: 512, model: '', serial: '', wwn: '', transport: '', removable: false, readOnly: false, number: '8:0', children: [] };
    const tree = [{ ...device, children: [{ ...device, path: '/dev/sda1', type: 'part', number: '8:1' }] }];
    const mount = { target: '/x', source: '/dev/sda1', type: 'ext4', options: '', number: '8:1', bytes: 0, usedBytes: 0, root: '/' };
    expect(toTargets(tree, [mount], [], new Map())[0]?.refusal).toMatch(/mounted on \/x/);
    expect(toTargets(tree, [], ['/dev/sda1'], new Map())[0]?.refusal).toMatch(/carries a volume/);
    expect(toTargets(tree, [], [], new Map([['/dev/sda1', 'ext4 "old"']]))[0]).toMatchObject({ refusal: undefined, content: '/dev/sda1 ext4 "old"' });
  });
});

describe('partitions', () => {
  it('are named as the kernel names them', () => {
    expect([partitionNode('/dev/sda', 1), partitionNode('/dev/nvme0n1', 2), partitionNode('/dev/vda', 0)]).toEqual(['/dev/sda1', '/dev/nvme0n1p2', '/dev/vda']);
  });
  it('are written with their ids, and no names are needed', () => {
    expect(sfdiskScript({ type: 'gpt', id: 'ABC', firstLba: 34, partitions: [{ number: 2, node: 'x2', start: 34, sectors: 100, type: 'T', uuid: 'U', name: 'E"F I', attrs: 'RequiredPartition', bootable: false }] }))
      .toBe('label: gpt\nlabel-id: ABC\nunit: sectors\nfirst-lba: 34\n\n2 : start=34, size=100, type=T, uuid=U, name="EF I", attrs="RequiredPartition"\n');
  });
});
