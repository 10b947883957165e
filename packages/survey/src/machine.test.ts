import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostName, readSecureBoot } from './host.ts';
import { kernelLacks, modulesOfDisk, parseFstab, parseKernelConfig, parseNetwork, staleFstab } from './index.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-machine-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

describe('network', () => {
  const address = (local: string, prefixlen: number, scope = 'global') => ({ family: 'inet', local, prefixlen, scope });
  const links = [
    { ifname: 'lo', address: '00:00:00:00:00:00', addr_info: [address('127.0.0.1', 8, 'host')] },
    { ifname: 'eno1', address: '52:54:00:00:00:01', addr_info: [address('192.0.2.5', 24), address('fe80::1', 64, 'link')] },
    { ifname: 'eno2', address: '52:54:00:00:00:02', master: 'bond0', addr_info: [] },
    { ifname: 'eno3', address: '52:54:00:00:00:03', master: 'bond0', addr_info: [] },
    { ifname: 'bond0', linkinfo: { info_kind: 'bond' }, addr_info: [address('198.51.100.7', 25)] },
    { ifname: 'bond0.42', link: 'bond0', linkinfo: { info_kind: 'vlan', info_data: { id: 42 } }, addr_info: [address('203.0.113.9', 28)] },
    { ifname: 'docker0', linkinfo: { info_kind: 'bridge' }, addr_info: [address('172.17.0.1', 16)] },
  ];
  it('puts addresses of bonds and VLANs to the card below them, and leaves out what has none', () => {
    const n = parseNetwork(JSON.stringify(links), ['[{"dst":"default","gateway":"192.0.2.1","dev":"eno1"},{"dst":"192.0.2.0/24","dev":"eno1"}]', '[]'], 'search a.example b.example\nnameserver 192.0.2.53\n', new Map([['eno1', 'e1000e'], ['eno2', 'igb'], ['eno3', 'igb']]));
    expect(n.network.map((c) => [c.name, c.addresses, c.vlans])).toEqual([
      ['eno1', ['192.0.2.5/24'], []], ['eno2', ['198.51.100.7/25'], [{ id: 42, addresses: ['203.0.113.9/28'] }]], ['eno3', [], []],
    ]);
    // The cards of a bond go by one address; each has its own.
    const slaves = [{ ifname: 'eno2', address: '52:54:00:00:00:02' }, { ifname: 'eno3', address: '52:54:00:00:00:02', permaddr: '52:54:00:00:00:03' }];
    expect(parseNetwork(JSON.stringify(slaves), [], '', new Map([['eno2', ''], ['eno3', '']]), new Map([['eno3', 'pci0000:00/0000:00:04.0']])).network.map((c) => [c.mac, c.path])).toEqual([['52:54:00:00:00:02', undefined], ['52:54:00:00:00:03', 'pci0000:00/0000:00:04.0']]);
    expect(n).toMatchObject({ routes: [{ to: 'default', via: '192.0.2.1' }], nameServers: ['192.0.2.53'], searchDomains: ['a.example', 'b.example'] });
  });
});

describe('Secure Boot', () => {
  it('is read from the firmware\'s variable', () => {
    const file = join(dir, 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c');
    expect(readSecureBoot(dir)).toBe(false);
    writeFileSync(file, Buffer.from([6, 0, 0, 0, 1]));
    expect(readSecureBoot(dir)).toBe(true);
    writeFileSync(file, Buffer.from([6, 0, 0, 0, 0]));
    expect(readSecureBoot(dir)).toBe(false);
  });
});

describe('the name of the machine', () => {
  it('is what hostname(5) says, without comments, else what the kernel says', () => {
    const file = join(dir, 'hostname');
    expect(hostName(file)).toBe(hostname());
    writeFileSync(file, '# the file server\n\n  web1.example \n');
    expect(hostName(file)).toBe('web1.example');
    writeFileSync(file, '# nothing\n');
    expect(hostName(file)).toBe(hostname());
  });
});

describe('fstab', () => {
  const text = '# c\nUUID="aaaa" / ext4 defaults 0 1\nLABEL=x /x xfs nofail 0 2\n/dev/cdrom /cd iso9660 ro,noauto 0 0\ntmpfs /tmp tmpfs size=1G 0 0\nhost:/e /n nfs defaults 0 0\nLABEL="my\\040data" /srv/my\\040data xfs defaults 0 2\n';
  it('names its devices', () => {
    expect(parseFstab(text)).toEqual([{ source: 'UUID=aaaa', mount: '/', optional: false }, { source: 'LABEL=x', mount: '/x', optional: true }, { source: '/dev/cdrom', mount: '/cd', optional: true }, { source: 'LABEL=my data', mount: '/srv/my data', optional: false }]);
  });
  it('is stale where nothing answers', async () => {
    writeFileSync(join(dir, 'fstab'), 'UUID=00000000-dead-4000-8000-000000000000 / ext4 defaults 0 1\n/dev/null /ok none bind 0 0\n');
    expect((await staleFstab(join(dir, 'fstab'))).map((r) => r.mount)).toEqual(['/']);
  });
});

describe('kernels', () => {
  const good = ['BLK_DEV_INITRD', 'RD_GZIP', 'DEVTMPFS', 'TMPFS', 'BINFMT_SCRIPT', 'SQUASHFS_ZSTD'].map((o) => `CONFIG_${o}=y`).join('\n') + '\nCONFIG_ISO9660_FS=m\nCONFIG_BLK_DEV_SR=m\nCONFIG_BLK_DEV_LOOP=m\nCONFIG_SQUASHFS=m\nCONFIG_OVERLAY_FS=m\n# CONFIG_FOO is not set\n';
  const modules = new Set(['isofs', 'sr_mod', 'loop', 'squashfs', 'overlay']);
  it('lack nothing, an option, or a module', () => {
    expect(kernelLacks(parseKernelConfig(good), modules, 'squashfs')).toEqual([]);
    expect(kernelLacks(parseKernelConfig(good.replace('CONFIG_OVERLAY_FS=m', '')), modules, 'squashfs').map((l) => [l.option, l.module])).toEqual([['OVERLAY_FS', undefined]]);
    expect(kernelLacks(parseKernelConfig(good.replace('CONFIG_OVERLAY_FS=m', '')), modules, 'tar.zst')).toEqual([]);
    expect(kernelLacks(parseKernelConfig(good), new Set([...modules].filter((m) => m !== 'loop')), 'squashfs').map((l) => [l.option, l.module])).toEqual([['BLK_DEV_LOOP', 'loop']]);
  });
});

describe('controllers', () => {
  it('are all drivers between the disk and the root of sysfs', () => {
    const device = join(dir, 'devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda');
    mkdirSync(device, { recursive: true });
    mkdirSync(join(dir, 'class/block'), { recursive: true });
    symlinkSync(device, join(dir, 'class/block/sda'));
    for (const [at, module] of [['devices/pci0000:00/0000:00:1f.2', 'ahci'], ['devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0', 'sd_mod']] as const) {
      mkdirSync(join(dir, 'module', module), { recursive: true });
      mkdirSync(join(dir, `drivers/${module}`), { recursive: true });
      symlinkSync(join(dir, 'module', module), join(dir, `drivers/${module}/module`));
      symlinkSync(join(dir, `drivers/${module}`), join(dir, at, 'driver'));
    }
    expect(modulesOfDisk('/dev/sda', dir)).toEqual(['sd_mod', 'ahci']);
    expect(modulesOfDisk('/dev/none', dir)).toEqual([]);
  });
});
