import { describe, expect, it } from 'vitest';
import { driftOf, parseSurvey, type Survey } from './index.ts';

const base = parseSurvey(JSON.stringify({
  version: 1, created: '2026-01-01T00:00:00Z', host: { name: 'h', os: '', osId: 'debian', osVersion: '12', arch: 'x64', cpu: '', cpus: 2, memoryBytes: 1, vendor: '', product: '' },
  boot: { firmware: 'bios', kernel: { version: '6.1.0-1', image: '/boot/vmlinuz', modules: '/lib/modules' }, commandLine: 'quiet', loaders: [{ type: 'grub-bios', disk: '/dev/sda', directory: '/boot/grub' }] },
  modules: ['ext4'], network: [], disks: [
    { device: '/dev/sda', model: '', serial: 'S1', wwn: '', transport: 'sata', bytes: 1e9, sectorBytes: 512, used: true, table: { type: 'dos', id: '0x1', partitions: [{ number: 1, node: '/dev/sda1', start: 2048, sectors: 1000, type: '83' }, { number: 2, node: '/dev/sda2', start: 4096, sectors: 1000, type: '8e' }] } },
    { device: '/dev/sdb', model: '', serial: '', wwn: '', transport: 'usb', bytes: 8e9, sectorBytes: 512, used: false },
  ],
  layers: [{ type: 'vg', name: 'vg', uuid: 'V', extentBytes: 4194304, physical: [{ device: '/dev/sda2', uuid: 'P', startBytes: 1048576, bytes: 1 }], volumes: [{ name: 'home', device: '/dev/mapper/vg-home', kind: 'linear', bytes: 8388608, on: [] }] }],
  fileSystems: [{ device: '/dev/sda1', disk: '/dev/sda', partition: 1, type: 'ext4', uuid: 'U', label: '', bytes: 100, usedBytes: 10, mount: '/', options: 'rw', parameters: {} }],
  swaps: [{ device: '/dev/sda3', disk: '/dev/sda', partition: 3, uuid: 'W', label: '', bytes: 5 }], unsupported: [], configuration: { '/etc/fstab': 'a', 'boot sector 1': 'b' },
}));
const changed = (change: (s: Survey) => void): string[] => {
  const s = structuredClone(base);
  change(s);
  return driftOf(base, s).map((d) => d.what);
};
const list = <T>(x: readonly T[]): T[] => x as T[];
const first = <T>(x: readonly T[]): T => x[0] as T;

describe('drift', () => {
  it('is none from a new start, other device names, sticks, growth', () => {
    expect(changed(() => undefined)).toEqual([]);
    const text = JSON.stringify(base).replaceAll('/dev/sda', '/dev/sdc').replaceAll('/dev/sdb', '/dev/sda');
    expect(driftOf(base, parseSurvey(text))).toEqual([]);
    expect(changed((s) => {
      Object.assign(first(s.fileSystems), { bytes: 500, usedBytes: 400, options: 'rw,relatime' });
      Object.assign(s, { created: '2027-01-01T00:00:00Z', modules: ['xfs', 'usb_storage'] });
      // A stick that is plugged in and mounted.
      const stick = { ...first(s.disks), device: '/dev/sdx', serial: 'STICK', transport: 'usb', table: undefined };
      list(s.disks).push(stick);
      list(s.fileSystems).push({ ...first(s.fileSystems), device: '/dev/sdx', disk: '/dev/sdx', mount: '/media/stick', uuid: 'X' });
    })).toEqual([]);
  });
  it('is every change that another set would bring back otherwise', () => {
    expect(changed((s) => { list(first(s.disks).table?.partitions ?? []).push({ number: 3, node: '/dev/sda3', start: 9000, sectors: 10, type: '83', bootable: false }); })).toEqual(['partitions of disk /dev/sda (serial S1)']);
    expect(changed((s) => { Object.assign(first((first(s.layers) as { volumes: object[] }).volumes), { bytes: 16_777_216 }); })).toEqual(['volume group vg']);
    expect(changed((s) => { Object.assign(first(s.fileSystems), { uuid: 'new' }); })).toEqual(['file system on /']);
    expect(changed((s) => { Object.assign(s.configuration, { '/etc/fstab': 'edited' }); })).toEqual(['/etc/fstab']);
    expect(changed((s) => { Object.assign(s.configuration, { 'boot sector 1': 'other' }); })).toEqual(['boot sector 1']);
    expect(changed((s) => { Object.assign(s.boot.kernel, { version: '6.1.0-2' }); })).toEqual(['kernel']);
    expect(changed((s) => { Object.assign(s, { boot: { ...s.boot, loaders: [{ type: 'efi', mount: '/boot/efi', files: ['EFI/x.efi'] }], firmware: 'uefi' } }); })).toEqual(['firmware', 'boot loaders']);
    expect(changed((s) => { Object.assign(s, { swaps: [] }); })).toEqual(['swap W']);
    expect(changed((s) => { Object.assign(first(s.disks), { serial: 'S2' }); })).toEqual(['disk /dev/sda (serial S1)', 'disk /dev/sda (serial S2)']);
    expect(changed((s) => { list(s.fileSystems).push({ ...first(s.fileSystems), device: '/dev/mapper/vg-home', disk: '', mount: '/home' }); })).toEqual(['file system on /home']);
  });
});
