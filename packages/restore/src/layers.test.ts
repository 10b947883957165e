import { execFileSync } from 'node:child_process';
import type { Layer, LogicalVolume, RaidLayer, Survey } from '@cdrec/survey';
import { describe, expect, it } from 'vitest';
import { groupStep, luksStep, planRestore, raidStep } from './index.ts';

const raid = (over: Partial<RaidLayer>): RaidLayer => ({ type: 'raid', device: '/dev/md0', uuid: 'a:b:c:d', name: 'host:boot', level: 'raid1', count: 2, metadata: '1.2', bitmap: true, members: [{ device: '/dev/sda1', slot: 0 }, { device: '/dev/sdb1', slot: 1 }], ...over });
const at = (device: string): string => device.replace('/dev/sd', '/dev/vd');

describe('the commands of layers', () => {
  it('of arrays keep name, UUID and geometry', () => {
    expect(raidStep(raid({}), at).make).toEqual([['mdadm', '--create', '/dev/md0', '--run', '--force', '--metadata=1.2', '--level=raid1', '--raid-devices=2', '--uuid=a:b:c:d', '--homehost=host', '--name=boot', '--bitmap=internal', '/dev/vda1', '/dev/vdb1']]);
    const ten = raidStep(raid({ level: 'raid10', count: 3, layout: 'near=2', chunkBytes: 65536, bitmap: false, members: [{ device: '/dev/sda1', slot: 2 }, { device: '/dev/sdc1', slot: 0 }, { device: '/dev/sdd1', slot: -1 }] }), at);
    for (const level of ['raid0', 'linear']) expect(raidStep(raid({ level, chunkBytes: 0 }), at).make.flat().join(' ')).not.toMatch(/--bitmap|--chunk/);
    expect(ten.make[0]?.slice(8)).toEqual(['--spare-devices=1', '--uuid=a:b:c:d', '--homehost=host', '--name=boot', '--chunk=64', '--layout=n2', '--bitmap=none', '/dev/vdc1', 'missing', '/dev/vda1', '/dev/vdd1']);
  });
  it('of arrays keep where the data begins, their journal, and the flags of members', () => {
    const made = (over: Partial<RaidLayer>, without?: string): string[] => raidStep(raid(over), at, (d) => d === without).make.map((c) => c.slice(-5).join(' '));
    expect(made({ dataOffsetBytes: 1 << 20 })).toEqual(['--name=boot --bitmap=internal --data-offset=1024K /dev/vda1 /dev/vdb1']);
    const five: Partial<RaidLayer> = { level: 'raid5', count: 2, policy: 'journal', bitmap: false, members: [{ device: '/dev/sdc', slot: -2 }, { device: '/dev/sda1', slot: 0 }, { device: '/dev/sdb1', slot: 1 }] };
    expect(made(five)).toEqual(['--homehost=host --name=boot --write-journal=/dev/vdc /dev/vda1 /dev/vdb1']);
    expect(raidStep(raid(five), at).activate[0]?.slice(-3)).toEqual(['/dev/vda1', '/dev/vdb1', '/dev/vdc']);
    expect(made(five, '/dev/sdc')).toEqual(['--homehost=host --name=boot --bitmap=none /dev/vda1 /dev/vdb1']);
    expect(made({ level: 'raid5', policy: 'ppl', bitmap: false })).toEqual(['--homehost=host --name=boot --consistency-policy=ppl /dev/vda1 /dev/vdb1']);
    const mostly = raidStep(raid({ members: [{ device: '/dev/sda1', slot: 0 }, { device: '/dev/sdb1', slot: 1, flags: ['write-mostly', 'failfast'] }] }), at).make;
    expect(mostly.slice(1).map((c) => c.slice(-3))).toEqual([['/dev/md0', '/dev/vdb1', 'writemostly'], ['/dev/md0', '/dev/vdb1', 'failfast']]);
  });
  it('of a RAID6 without one of its disks start, with parities for all that is written', () => {
    const six = raidStep(raid({ level: 'raid6', count: 4, members: ['a', 'b', 'c'].map((d, slot) => ({ device: `/dev/sd${d}`, slot })) }), at);
    expect(six.make.map((c) => c.slice(-6))).toEqual([['--bitmap=internal', '--assume-clean', '/dev/vda', '/dev/vdb', '/dev/vdc', 'missing'], ['bash', '-c', 'echo 0 > "/sys/block/$1/md/rmw_level"', 'bash', 'md0'].slice(-6)]);
    const spare = (level: string, count: number): boolean => raidStep(raid({ level, count }), at).make.flat().includes('--assume-clean');
    expect([spare('raid6', 4), spare('raid5', 3), spare('raid1', 2)]).toEqual([false, false, false]); // two missing, one missing, none
  });
  it('of encrypted volumes keep where the data begins', () => {
    const one = luksStep({ type: 'luks', device: '/dev/mapper/c', name: 'c', on: '/dev/sda2', uuid: 'U', label: '', version: '1', cipher: 'aes-xts-plain64', keyBits: 256, hash: 'sha1', sectorBytes: 512, pbkdf: 'pbkdf2', slots: 1, flags: [], offsetBytes: 1052672 }, at);
    expect(one.make[0]).toContain('--offset=2056');
    expect(one.make[0]).not.toContain('--pbkdf=pbkdf2'); // LUKS1 knows no other
  });
  it('of encrypted volumes derive the key as before: GRUB opens no other /boot', () => {
    const volume = { type: 'luks' as const, device: '/dev/mapper/c', name: 'c', on: '/dev/sda2', uuid: 'U', label: '', cipher: 'aes-xts-plain64', keyBits: 512, hash: 'sha512', sectorBytes: 512, pbkdf: 'pbkdf2', slots: 1, flags: [] };
    expect(luksStep({ ...volume, version: '2', iterations: 250_000 }, at).make[0]).toEqual(expect.arrayContaining(['--hash=sha512', '--pbkdf=pbkdf2', '--pbkdf-force-iterations=250000']));
    expect(luksStep({ ...volume, version: '1', iterations: 12 }, at).make[0]).toContain('--pbkdf-force-iterations=1000'); // cryptsetup takes no fewer
  });
  it('of encrypted volumes show no secret', () => {
    const step = luksStep({ type: 'luks', device: '/dev/mapper/c', name: 'c', on: '/dev/sda2', uuid: 'U', label: 'L', version: '2', cipher: 'aes-xts-plain64', keyBits: 512, hash: 'sha256', sectorBytes: 4096, pbkdf: 'argon2id', slots: 3, flags: ['allow-discards', 'no-read-workqueue', 'unknown'] }, at);
    expect(step.make.map((c) => c.join(' '))).toEqual(['cryptsetup luksFormat --batch-mode --type=luks2 --uuid=U --cipher=aes-xts-plain64 --key-size=512 --hash=sha256 --pbkdf=argon2id --sector-size=4096 --label=L --key-file=- /dev/vda2', 'cryptsetup open --allow-discards --perf-no_read_workqueue --persistent --key-file=- /dev/vda2 c']);
  });
  it('of volume groups keep what was set on them', () => {
    const commands = groupStep({ type: 'vg', name: 'g', uuid: 'U', extentBytes: 4 << 20, tags: ['mine'], allocation: 'cling', physical: [{ device: '/dev/mapper/out-pv', uuid: 'P', startBytes: 1 << 20, bytes: 1 }], volumes: [
      { name: 'l', device: '/dev/mapper/g-l', kind: 'linear', bytes: 100, on: [], tags: ['a', 'b=c'], allocation: 'contiguous', readAheadBytes: 524288 }, { name: 'p', device: '/dev/mapper/g-p', kind: 'thin-pool', bytes: 100, chunkBytes: 65536, metadataBytes: 4096, on: [], discards: 'nopassdown', zero: false, readAheadBytes: 0 },
    ] }, at).make;
    expect(commands[0]?.[3]).toBe('devices { scan_lvs = 1 global_filter = [ "a|^/dev/mapper/out-pv$|", "r|.*|" ] }');
    expect(commands.slice(1).map((c) => [c[1], ...c.slice(4)].join(' '))).toEqual([
      'vgcreate -y --physicalextentsize 4194304b --addtag mine g /dev/mapper/out-pv',
      'lvcreate -y --ignoremonitoring --name l --type linear --size 100b --wipesignatures n --zero n --readahead 524288b --addtag a --addtag b=c g',
      'lvcreate -y --ignoremonitoring --name p --type thin-pool --size 100b --poolmetadatasize 4096b --chunksize 65536b --discards nopassdown --zero n --readahead none g',
      'lvchange --alloc contiguous g/l', 'vgchange --alloc cling g',
    ]);
  });
  it('of volume groups keep the UUIDs of the group and of its volumes', () => {
    const [group, first, second] = ['aaaaaa-1111-2222-3333-4444-5555-666666', 'bbbbbb-1111-2222-3333-4444-5555-666666', 'cccccc-1111-2222-3333-4444-5555-666666'] as const;
    const step = groupStep({ type: 'vg', name: 'g', uuid: group, extentBytes: 4 << 20, physical: [{ device: '/dev/sda1', uuid: 'P', startBytes: 1 << 20, bytes: 1 }], volumes: [
      { name: 'pv0', uuid: first, device: '/dev/mapper/g-pv0', kind: 'linear', bytes: 100, on: [] }, { name: 'a.b', uuid: second, device: '/dev/mapper/g-a.b', kind: 'linear', bytes: 100, on: [] }, { name: 'axb', device: '/dev/mapper/g-axb', kind: 'linear', bytes: 100, on: [] },
    ] }, at);
    const [program, , script, , config, name, edit] = (step.make.at(-1) ?? []) as readonly string[];
    expect([program, config, name]).toEqual(['bash', 'devices { global_filter = [ "a|^/dev/vda1$|", "r|.*|" ] }', 'g']);
    // As vgcfgbackup writes it: levels are told by tabs, and segments lie deeper.
    const text = (g: string, a: string, b: string): string => `contents = "Text Format Volume Group"\nversion = 1\n\ng {\n\tid = "${g}"\n\tseqno = 3\n\n\tphysical_volumes {\n\n\t\tpv0 {\n\t\t\tid = "PV"\n\t\t\tdevice = "/dev/vda1"\n\t\t}\n\t}\n\n\tlogical_volumes {\n\n\t\tpv0 {\n\t\t\tid = "${a}"\n\n\t\t\tsegment1 {\n\t\t\t\ttype = "striped"\n\t\t\t}\n\t\t}\n\n\t\taxb {\n\t\t\tid = "kept"\n\t\t}\n\n\t\ta.b {\n\t\t\tid = "${b}"\n\t\t}\n\t}\n\n}\n`;
    expect(execFileSync('sed', ['-e', edit as string], { input: text('new', 'new', 'new'), encoding: 'utf8' })).toBe(text(group, first, second));
    execFileSync('bash', ['-n'], { input: script });
    // What is no UUID of LVM never gets into an order to sed.
    expect(groupStep({ type: 'vg', name: 'g', uuid: 'x/e id', extentBytes: 4 << 20, physical: [], volumes: [{ name: 'l', uuid: '"/e', device: '/dev/mapper/g-l', kind: 'linear', bytes: 100, on: [] }] }, at).make.some((c) => c[0] === 'bash')).toBe(false);
  });
  it('of volume groups have pools before what is thin in them, and places where there is a choice', () => {
    const step = groupStep({ type: 'vg', name: 'g', uuid: 'U', extentBytes: 4 << 20, physical: [{ device: '/dev/sda1', uuid: 'P', startBytes: 1 << 20, bytes: 1 }, { device: '/dev/sdb1', uuid: 'Q', startBytes: 2 << 20, bytes: 1 }], volumes: [
      { name: 'l', device: '/dev/mapper/g-l', kind: 'linear', bytes: 100, on: ['/dev/sdb1'] }, { name: 'r', device: '/dev/mapper/g-r', kind: 'raid10', bytes: 100, stripes: 2, stripeBytes: 65536, on: [] },
      { name: 'p', device: '/dev/mapper/g-p', kind: 'thin-pool', bytes: 100, chunkBytes: 65536, metadataBytes: 4096, on: [] }, { name: 't', device: '/dev/mapper/g-t', kind: 'thin', bytes: 1000, pool: 'p', on: [] },
    ] }, at);
    expect(step.make.every((c) => c[3] === 'devices { global_filter = [ "a|^/dev/vda1$|", "a|^/dev/vdb1$|", "r|.*|" ] }')).toBe(true);
    expect(step.make.map((c) => [c[1], ...c.slice(4)].join(' ').replace('lvcreate -y --ignoremonitoring --name', 'lv'))).toEqual([
      'pvcreate -y -ff --uuid P --norestorefile /dev/vda1', 'pvcreate -y -ff --uuid Q --norestorefile --dataalignment 2097152b /dev/vdb1', 'vgcreate -y --physicalextentsize 4194304b g /dev/vda1 /dev/vdb1',
      'lv l --type linear --size 100b --wipesignatures n --zero n g /dev/vdb1', 'lv r --type raid10 --size 100b --stripes 2 --mirrors 1 --stripesize 65536b --wipesignatures n --zero n g',
      'lv p --type thin-pool --size 100b --poolmetadatasize 4096b --chunksize 65536b g', 'lv t --type thin --virtualsize 1000b --thinpool p g',
    ]);
  });
  it('of volume groups leave room on a disk for those that lie there alone', () => {
    const volume = (name: string, kind: LogicalVolume['kind'], on: string[]): LogicalVolume => ({ name, device: `/dev/mapper/g-${name}`, kind, bytes: 100, on, ...(kind === 'raid1' ? { stripes: 2 } : {}) });
    const order = (...volumes: LogicalVolume[]): string[] => groupStep({ type: 'vg', name: 'g', uuid: 'U', extentBytes: 4 << 20, physical: ['/dev/sda', '/dev/sdb', '/dev/sdc'].map((device) => ({ device, uuid: 'P', startBytes: 1 << 20, bytes: 1 })), volumes }, at)
      .make.filter((c) => c[1] === 'lvcreate').map((c) => [c[7], ...c.slice(c.indexOf('g') + 1)].join(' '));
    // A disk was added, and /home went on there: root and the mirror have their disks first.
    expect(order(volume('home', 'linear', ['/dev/sda', '/dev/sdb']), volume('root', 'linear', ['/dev/sda']), volume('safe', 'raid1', ['/dev/sdb', '/dev/sdc']))).toEqual(['root /dev/vda', 'safe /dev/vdb /dev/vdc', 'home /dev/vda /dev/vdb']);
    // Of two that share disks each would take what the other needs: they lie where there is room.
    expect(order(volume('a', 'linear', ['/dev/sda', '/dev/sdb']), volume('b', 'linear', ['/dev/sdb', '/dev/sdc']), volume('old', 'mirror', ['/dev/sda', '/dev/sdb']))).toEqual(['old', 'a', 'b']);
  });
});

describe('a disk that is left out', () => {
  const part = (disk: string) => ({ number: 1, node: `${disk}1`, start: 2048, sectors: 200_000, type: 'fd', bootable: false });
  const disk = (device: string) => ({ device, model: '', serial: '', wwn: '', transport: '', bytes: 200e6, sectorBytes: 512, used: true, links: [], table: { type: 'dos' as const, id: '0x1', partitions: [part(device)] } });
  const survey = (layers: readonly Layer[], more: object = {}): Survey => ({ host: { name: 'h', osId: '' }, boot: { loaders: [], entries: [] }, disks: [disk('/dev/sda'), disk('/dev/sdb')], layers, fileSystems: [], swaps: [], swapFiles: [], images: [], ...more }) as unknown as Survey;
  const assignments = [{ source: disk('/dev/sda'), rule: 'named by you' as const, target: { device: '/dev/vda', bytes: 200e6, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } }];
  it('makes arrays degraded, and is refused when they cannot be', () => {
    const plan = planRestore({ survey: survey([raid({})]), archives: [], assignments, without: ['/dev/sdb'] });
    expect(plan.steps.map((s) => s.id)).toEqual(['wipe /dev/vda', 'table /dev/vda', 'raid /dev/md0']);
    expect(plan.steps.at(-1)).toMatchObject({ step: { what: 'array /dev/md0 (raid1, degraded) of /dev/vda1, missing' } });
    const refused = (s: Survey, names = ['/dev/sdb']) => () => planRestore({ survey: s, archives: [], assignments, without: names });
    expect(refused(survey([raid({ level: 'raid0' })]))).toThrow(/array \/dev\/md0 \(raid0\) cannot run without it/);
    expect(refused(survey([raid({})]), ['/dev/sda', '/dev/sdb'])).toThrow(/cannot run without it/);
    expect(refused(survey([], { fileSystems: [{ device: '/dev/sdb1', mount: '/data', parameters: {} }] }))).toThrow(/\/data lies on it/);
    expect(refused(survey([]), ['/dev/sdq'])).toThrow(/no disk of the survey/);
  });
});
