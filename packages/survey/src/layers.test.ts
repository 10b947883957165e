import { describe, expect, it } from 'vitest';
import type { BlockDevice } from './block.ts';
import { below, graphOf } from './graph.ts';
import { parseProfiles, parseSubvolumes } from './layers/btrfs.ts';
import { hasIntegrity, parseLuks1, parseLuks2 } from './layers/luks.ts';
import { mapperNode, parseLvm } from './layers/lvm.ts';
import { parseMdadm, withMembers } from './layers/raid.ts';
import { disksBelow, gapBelow, placeOf } from './stack.ts';

const device = (path: string, type: string, number: string, children: readonly BlockDevice[] = []): BlockDevice =>
  ({ path, type, number, children, bytes: 1, sectorBytes: 512, model: '', serial: '', wwn: '', transport: '', removable: false, readOnly: false });

describe('devices on devices', () => {
  const crypt = device('/dev/mapper/c', 'crypt', '253:0', [device('/dev/mapper/v-root', 'lvm', '253:1')]);
  const raid = device('/dev/md0', 'raid1', '9:0', [crypt]);
  const tree = [device('/dev/sda', 'disk', '8:0', [device('/dev/sda1', 'part', '8:1', [raid])]), device('/dev/sdb', 'disk', '8:16', [device('/dev/sdb2', 'part', '8:18', [raid])]), device('/dev/sdc', 'disk', '8:32', [device('/dev/mapper/m', 'mpath', '253:9', [device('/dev/mapper/m1', 'part', '253:10')])]), device('/dev/sdd', 'disk', '8:48', [device('/dev/bcache0', 'disk', '252:0', [device('/dev/bcache0p1', 'part', '252:1')])])];
  const graph = graphOf(tree);
  const at = (number: string) => graph.get(number) ?? (() => { throw new Error(number); })();
  it('stand once in the graph, with everything below them', () => {
    expect(below(at('253:1')).map((n) => n.device.path)).toEqual(['/dev/sda', '/dev/sda1', '/dev/sdb', '/dev/sdb2', '/dev/md0', '/dev/mapper/c', '/dev/mapper/v-root']);
    expect(disksBelow(at('253:1')).map((n) => n.device.path)).toEqual(['/dev/sda', '/dev/sdb']);
    expect([placeOf(at('8:18')), placeOf(at('8:0')), placeOf(at('253:1'))]).toEqual([
      { device: '/dev/sdb2', disk: '/dev/sdb', partition: 2 }, { device: '/dev/sda', disk: '/dev/sda', partition: 0 }, { device: '/dev/mapper/v-root', disk: '', partition: 0 },
    ]);
  });
  it('are refused when one of them is not understood', () => {
    expect(gapBelow(at('253:1'))).toBeUndefined();
    expect(gapBelow(at('253:10'))?.reason).toMatch(/\/dev\/mapper\/m \(mpath\), which is not supported/);
    // lsblk calls it a disk, but it lies on one.
    expect(gapBelow(at('252:1'))?.reason).toMatch(/\/dev\/bcache0 \(disk\), which is not supported/);
  });
});

describe('what the tools print of layers', () => {
  it('mdadm', () => {
    const exported = 'MD_LEVEL=raid10\nMD_DEVICES=4\nMD_METADATA=1.2\nMD_UUID=58e4ee9a:1c3a52e3:3d6f6ab4:8f2a8a52\nMD_DEVNAME=0\nMD_NAME=sample:0\nMD_DEVICE_dev_sda1_ROLE=0\nMD_DEVICE_dev_sda1_DEV=/dev/sda1\nMD_DEVICE_dev_sdc1_ROLE=2\nMD_DEVICE_dev_sdc1_DEV=/dev/sdc1\nMD_DEVICE_dev_sdb1_ROLE=1\nMD_DEVICE_dev_sdb1_DEV=/dev/sdb1\nMD_DEVICE_dev_sde1_ROLE=spare\nMD_DEVICE_dev_sde1_DEV=/dev/sde1\n';
    const detail = '/dev/md0:\n           Version : 1.2\n     Raid Level : raid10\n   Raid Devices : 4\n\n     Intent Bitmap : Internal\n\n            Layout : near=2\n        Chunk Size : 512K\n\n              Name : sample:0  (local to host sample)\n              UUID : 58e4ee9a:1c3a52e3:3d6f6ab4:8f2a8a52\n';
    expect(parseMdadm(exported, detail, '/dev/md0')).toEqual({
      type: 'raid', device: '/dev/md0', level: 'raid10', count: 4, metadata: '1.2', uuid: '58e4ee9a:1c3a52e3:3d6f6ab4:8f2a8a52', name: 'sample:0', chunkBytes: 524288, layout: 'near=2', bitmap: true,
      members: [{ device: '/dev/sde1', slot: -1 }, { device: '/dev/sda1', slot: 0 }, { device: '/dev/sdb1', slot: 1 }, { device: '/dev/sdc1', slot: 2 }],
    });
  });
  it('mdadm, of journals and of members with a flag', () => {
    const journal = parseMdadm('MD_LEVEL=raid5\nMD_DEVICES=3\nMD_METADATA=1.2\nMD_UUID=u\nMD_DEVICE_dev_sda_ROLE=spare\nMD_DEVICE_dev_sda_DEV=/dev/sda\nMD_DEVICE_dev_sdb_ROLE=0\nMD_DEVICE_dev_sdb_DEV=/dev/sdb\n', 'Consistency Policy : journal\n', '/dev/md1');
    expect(journal.policy).toBe('journal');
    const files = new Map([['sda', { offset: 8, state: 'journal\n' }], ['sdb', { offset: 2048, state: 'in_sync,write_mostly,failfast\n' }]]);
    const name = (path: string): string => path.slice(5);
    expect(withMembers(journal, files, name)).toMatchObject({ dataOffsetBytes: 1 << 20, members: [{ slot: -2 }, { flags: ['write-mostly', 'failfast'] }] });
    expect(withMembers({ ...journal, metadata: '0.90' }, files, name).dataOffsetBytes).toBeUndefined();
    expect(parseMdadm('MD_LEVEL=raid1\nMD_DEVICES=2\n', 'Consistency Policy : bitmap\n', '/dev/md1').policy).toBeUndefined();
  });
  it('cryptsetup', () => {
    expect(parseLuks2('{"keyslots":{"0":{"type":"luks2","key_size":64,"kdf":{"type":"argon2id"}},"1":{"type":"luks2","key_size":64,"kdf":{"type":"pbkdf2"}}},"segments":{"0":{"type":"crypt","encryption":"aes-xts-plain64","sector_size":4096}}}'))
      .toEqual({ version: '2', cipher: 'aes-xts-plain64', keyBits: 512, hash: 'sha256', sectorBytes: 4096, pbkdf: 'argon2id', slots: 2, flags: [] });
    // GRUB's /boot: the hash and the work of the slot for the passphrase, not of the one for a key file.
    expect(parseLuks2('{"keyslots":{"0":{"key_size":64,"kdf":{"type":"pbkdf2","hash":"sha512","iterations":1000}},"1":{"key_size":64,"kdf":{"type":"pbkdf2","hash":"sha512","iterations":250000}}},"segments":{},"digests":{"0":{"hash":"sha512","iterations":1000}}}')).toMatchObject({ hash: 'sha512', pbkdf: 'pbkdf2', iterations: 250000 });
    // Not where it usually is: less would be left than there was.
    expect([parseLuks2('{"keyslots":{},"segments":{"0":{"type":"crypt","offset":"4194304"}}}').offsetBytes, parseLuks2('{"keyslots":{},"segments":{"0":{"type":"crypt","offset":"16777216"}}}').offsetBytes, parseLuks1('Payload offset:\t2056\n').offsetBytes]).toEqual([4194304, undefined, 1052672]);
    const sealed = '{"keyslots":{},"segments":{"0":{"type":"crypt","encryption":"aes-xts-random","sector_size":512,"integrity":{"type":"hmac(sha256)"}}},"config":{"flags":["allow-discards"]}}';
    expect([parseLuks2(sealed).flags, hasIntegrity(sealed)]).toEqual([['allow-discards'], true]);
    expect(parseLuks1('LUKS header information for /dev/sda5\n\nVersion:       \t1\nCipher name:   \taes\nCipher mode:   \txts-plain64\nHash spec:     \tsha256\nPayload offset:\t4096\nMK bits:       \t512\nUUID:          \tx\n\nKey Slot 0: ENABLED\n\tIterations: 1\nKey Slot 1: DISABLED\n'))
      .toMatchObject({ version: '1', cipher: 'aes-xts-plain64', keyBits: 512, hash: 'sha256', slots: 1, iterations: 1 });
  });
  it('lvm', () => {
    const pvs = JSON.stringify({ report: [{ pv: [{ pv_name: '/dev/sda1', pv_uuid: 'P1', vg_name: 'my-vg', vg_uuid: 'G', vg_extent_size: '4194304', pe_start: '1048576', pv_size: '1000' }, { pv_name: '/dev/sdz', pv_uuid: 'P', vg_name: '', vg_uuid: '', vg_extent_size: '', pe_start: '1', pv_size: '1' }] }] });
    const seg = (lv_name: string, segtype: string, more: Record<string, string> = {}): Record<string, string> => ({ lv_name, vg_name: 'my-vg', segtype, lv_size: '8388608', stripes: '1', data_stripes: '1', stripe_size: '0', chunk_size: '0', pool_lv: '', origin: '', lv_metadata_size: '', devices: '/dev/sda1(0)', ...more });
    const { groups: [group], other } = parseLvm(pvs, JSON.stringify({ report: [{ seg: [
      seg('thin', 'thin', { pool_lv: 'pool', devices: '' }), seg('root', 'linear', { lv_uuid: 'R' }), seg('root', 'linear', { lv_uuid: 'R', devices: '/dev/sdb1(7)' }), seg('r5', 'raid5_ls', { stripes: '3', data_stripes: '2', stripe_size: '65536', devices: 'r5_rimage_0(0)' }),
      seg('m', 'raid1', { stripes: '2', data_stripes: '1', devices: 'm_rimage_0(0),m_rimage_1(0)' }), seg('[m_rimage_0]', 'linear', { devices: '/dev/sdc(0)' }), seg('[m_rimage_1]', 'linear', { devices: '/dev/sdd(0)' }),
      seg('pool', 'thin-pool', { chunk_size: '65536', lv_metadata_size: '4194304', devices: 'pool_tdata(0)' }), seg('[pool_tdata]', 'linear', { devices: '/dev/sdd(9)' }), seg('v', 'vdo'), seg('s', 'linear', { origin: 'root' }),
      seg('slow', 'cache', { lv_uuid: 'S', pool_lv: '[fast_cpool]', origin: '[slow_corig]', chunk_size: '65536', devices: 'slow_corig(0)' }), seg('[slow_corig]', 'raid1', { lv_uuid: 'C', stripes: '2', data_stripes: '1', devices: 'slow_corig_rimage_0(0),slow_corig_rimage_1(0)' }),
      seg('[slow_corig_rimage_0]', 'linear', { devices: '/dev/sdc(5)' }), seg('[slow_corig_rimage_1]', 'linear', { devices: '/dev/sde(5)' }), seg('[fast_cpool]', 'cache-pool', { devices: 'fast_cpool_cdata(0)' }), seg('[fast_cpool_cdata]', 'linear', { devices: '/dev/nvme0n1(0)' }),
      seg('w', 'writecache', { devices: 'w_wcorig(0)' }), seg('[w_wcorig]', 'linear', { devices: '/dev/sdc(9)' }), seg('idle', 'cache-pool', { devices: 'idle_cdata(0)' }),
    ] }] }), ['my-vg']);
    expect(group?.volumes.map((v) => [v.name, v.kind, v.stripes, v.on])).toEqual([['root', 'linear', undefined, ['/dev/sda1', '/dev/sdb1']], ['r5', 'raid5', 2, []], ['m', 'raid1', 2, ['/dev/sdc', '/dev/sdd']], ['pool', 'thin-pool', undefined, ['/dev/sdd']], ['slow', 'raid1', 2, ['/dev/sdc', '/dev/sde']], ['w', 'linear', undefined, ['/dev/sdc']], ['thin', 'thin', undefined, []]]);
    // Names of udev are made of it: that of a cached volume is its own, not that of what it caches.
    expect(group?.volumes.map((v) => v.uuid)).toEqual(['R', undefined, undefined, undefined, 'S', undefined, undefined]);
    // A cache is not made again, and said; what it is for is made.
    expect(group?.volumes.map((v) => v.cache)).toEqual([undefined, undefined, undefined, undefined, 'cache', 'writecache', undefined]);
    const served = parseLvm(pvs, JSON.stringify({ report: [{ seg: [
      seg('pool', 'thin-pool', { devices: 'pool_tdata(0)' }), seg('[pool_tdata]', 'cache', { pool_lv: '[fast]', origin: '[pool_tdata_corig]', devices: 'pool_tdata_corig(0)' }), seg('[pool_tdata_corig]', 'linear', { devices: '/dev/sdc(0)' }), seg('[fast]', 'cache-pool', { devices: 'fast_cdata(0)' }), seg('[fast_cdata]', 'linear', { devices: '/dev/sdd(0)' }),
      seg('sure', 'raid1', { stripes: '2', devices: 'sure_rimage_0(0)' }), seg('[sure_rimage_0]', 'integrity', { devices: 'sure_rimage_0_iorig(0)' }), seg('[sure_rimage_0_iorig]', 'linear', { devices: '/dev/sdc(7)' }),
    ] }] }), ['my-vg']).groups[0]?.volumes;
    expect(served?.map((v) => [v.name, v.cache, v.integrity, v.on])).toEqual([['pool', 'cache', undefined, ['/dev/sdc']], ['sure', undefined, true, ['/dev/sdc']]]);
    expect(group).toMatchObject({ name: 'my-vg', extentBytes: 4194304, physical: [{ device: '/dev/sda1', uuid: 'P1', startBytes: 1048576 }] });
    const set = parseLvm(pvs.replaceAll('"pv_size":"1000"', '"pv_size":"1000","vg_tags":"mine,k=v","vg_allocation_policy":"cling"'), JSON.stringify({ report: [{ seg: [
      seg('a', 'linear', { lv_tags: 't1', lv_allocation_policy: 'contiguous', lv_read_ahead: '524288', zero: '-1', discards: '' }), seg('p', 'thin-pool', { lv_tags: '', lv_allocation_policy: 'inherit', lv_read_ahead: 'auto', zero: '0', discards: 'nopassdown' }), seg('q', 'thin-pool', { zero: '1', discards: 'passdown', lv_read_ahead: '0' }),
    ] }] }), ['my-vg']).groups[0];
    expect(set).toMatchObject({ tags: ['mine', 'k=v'], allocation: 'cling' });
    expect(set?.volumes.map(({ name, tags, allocation, readAheadBytes, discards, zero }) => [name, tags, allocation, readAheadBytes, discards, zero])).toEqual([['a', ['t1'], 'contiguous', 524288, undefined, undefined], ['p', undefined, undefined, undefined, 'nopassdown', false], ['q', undefined, undefined, 0, undefined, undefined]]);
    expect(other).toEqual([{ name: 'my-vg/v', kind: 'vdo' }]);
    expect(mapperNode('my-vg', 'a-b')).toBe('/dev/mapper/my--vg-a--b');
  });
  it('btrfs', () => {
    const list = 'ID 256 gen 9 top level 5 parent_uuid -                                    path <FS_TREE>/@home\nID 257 gen 9 top level 256 parent_uuid 2b0c1de5-4cc1-0b43-b6fe-c3a8f9ad1a11 path @home/with blank\n';
    expect(parseSubvolumes(list, 'ID 257 gen 9 top level 256 path @home/with blank\n')).toEqual([{ id: 256, path: '@home', snapshot: false, readOnly: false }, { id: 257, path: '@home/with blank', snapshot: true, readOnly: true }]);
    expect(parseProfiles('Data, RAID0: total=1, used=0\nSystem, RAID1: total=1, used=0\nMetadata, RAID1: total=1, used=0\nGlobalReserve, single: total=1, used=0\n')).toEqual({ data: 'raid0', metadata: 'raid1' });
    expect(parseProfiles('System, single: total=1, used=0\nData+Metadata, DUP: total=1, used=0\n')).toEqual({ data: 'dup', metadata: 'dup', mixed: true });
  });
});
