import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adaptCards, matchCards, replaceMacs, type CardChange, type NetworkCard } from './network-cards.ts';

const card = (name: string, mac: string, more: Partial<NetworkCard> = {}): NetworkCard => ({ name, mac, driver: 'virtio_net', addresses: [], vlans: [], ...more });
const A = '52:54:00:00:00:0a', B = '52:54:00:00:00:0b', C = '52:54:00:00:00:0c', D = '52:54:00:00:00:0d';
const with1 = { addresses: ['192.0.2.5/24'] };
const pairs = (m: ReturnType<typeof matchCards>): string[] => m.changes.map((c) => `${c.name} ${c.here}`);

describe('the card that takes the place of another', () => {
  it('is the same one, and no change where nothing is other', () => {
    expect(matchCards([card('eno1', A, with1), card('eno2', B)], [card('eth1', B.toUpperCase()), card('eth0', A)])).toEqual({ changes: [], unknown: [] });
    expect(pairs(matchCards([card('eno1', A, { ...with1, path: 'pci0000:00/0000:00:03.0' })], [card('ens4', A, { path: 'pci0000:00/0000:00:04.0' })]))).toEqual(['eno1 ens4']);
  });
  it('sits in the same slot, or is the only one on both sides', () => {
    const slots = [card('enp1s0', A, { path: '1' }), card('enp2s0', B, { path: '2' })];
    expect(pairs(matchCards(slots, [card('x', D, { path: '2' }), card('y', C, { path: '1' })]))).toEqual(['enp1s0 y', 'enp2s0 x']);
    expect(pairs(matchCards([card('eno1', A, with1)], [card('ens18', C)]))).toEqual(['eno1 ens18']);
    // One had addresses; the others were never used.
    expect(pairs(matchCards([card('eno1', A, with1), card('eno2', B), card('eno3', C)], [card('ens18', D)]))).toEqual(['eno1 ens18']);
  });
  it('is not guessed', () => {
    const two = matchCards([card('out', A, with1), card('in', B, with1)], [card('ens1', C), card('ens2', D)]);
    expect([two.changes, two.unknown.map((c) => c.name)]).toEqual([[], ['out', 'in']]);
    expect(matchCards([card('out', A, with1)], [card('ens1', C), card('ens2', D)]).unknown.map((c) => c.name)).toEqual(['out']);
    expect(matchCards([card('out', A, with1)], [])).toEqual({ changes: [], unknown: [] });
  });
  it('is what a person says, by name or address', () => {
    expect(pairs(matchCards([card('out', A, with1), card('in', B, with1)], [card('ens1', C), card('ens2', D)], new Map([['out', 'ens2'], ['in', C.toUpperCase()]])))).toEqual(['out ens2', 'in ens1']);
    expect(() => matchCards([card('out', A)], [card('ens1', C)], new Map([['no', 'ens1']]))).toThrow(/had no network card "no"/);
    expect(() => matchCards([card('out', A)], [card('ens1', C)], new Map([['out', 'ens9']]))).toThrow(/no network card "ens9" here/);
  });
});

describe('configuration of the network', () => {
  let root: string;
  beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'cdrec-cards-')); });
  afterEach(() => { rmSync(root, { recursive: true, force: true }); });
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const get = (path: string): string => readFileSync(join(root, path), 'utf8');
  const change: CardChange = { name: 'eno1', from: A, to: B, here: 'ens18', driver: 'virtio_net' };

  it('has the new addresses, in the case that they were written in, but for those that a card is given', () => {
    expect(replaceMacs(`# ${A}\nHWADDR=${A.toUpperCase()}\nMACADDR=${A}\n  cloned-mac-address=${A}\n  macaddress: "${A}"\nx${A}:00\n`, [change])).toBe(`# ${A}\nHWADDR=${B.toUpperCase()}\nMACADDR=${A}\n  cloned-mac-address=${A}\n  macaddress: "${B}"\nx${A}:00\n`);
  });
  it('of Debian, Ubuntu and others finds its card, under the old name', () => {
    put('usr/lib/systemd/systemd-udevd', '');
    put('etc/netplan/50-cloud-init.yaml', `network:\n  ethernets:\n    eno1:\n      match:\n        macaddress: ${A}\n`);
    put('etc/network/interfaces', 'auto eno1\niface eno1 inet dhcp\n');
    put('etc/NetworkManager/system-connections/Wired connection 1.nmconnection', `[ethernet]\nmac-address=${A.toUpperCase()}\n`);
    expect(adaptCards(root, [change], false)).toEqual([
      `/etc/netplan/50-cloud-init.yaml: ${A} -> ${B}`, `/etc/NetworkManager/system-connections/Wired connection 1.nmconnection: ${A} -> ${B}`, `/etc/systemd/network/10-cdrec-eno1.link: the network card ${B} (ens18 here) is called eno1`,
    ]);
    expect(get('etc/netplan/50-cloud-init.yaml')).toContain(`macaddress: ${B}`);
    expect(get('etc/systemd/network/10-cdrec-eno1.link')).toMatch(new RegExp(`\\[Match\\]\nMACAddress=${B}\nType=ether\n\n\\[Link\\]\nName=eno1\n`));
    // Once more, after a power cut: nothing is other.
    expect(adaptCards(root, [change], false)).toEqual([]);
  });
  it('that names its cards by their addresses needs no more', () => {
    put('lib/systemd/systemd-udevd', '');
    put('etc/udev/rules.d/70-persistent-net.rules', `SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="${A}", ATTR{type}=="1", NAME="eno1"\n`);
    expect(adaptCards(root, [change], false)).toEqual([`/etc/udev/rules.d/70-persistent-net.rules: ${A} -> ${B}`]);
    rmSync(join(root, 'etc/udev'), { recursive: true });
    put('etc/netplan/50-cloud-init.yaml', `    eno1:\n      match:\n        macaddress: '${A}'\n      set-name: eno1\n`);
    expect(adaptCards(root, [change], false)).toEqual([`/etc/netplan/50-cloud-init.yaml: ${A} -> ${B}`]);
    expect(existsSync(join(root, 'etc/systemd/network'))).toBe(false);
  });
  it('with another udev gets a rule; names of the kernel stay the kernel\'s', () => {
    expect(adaptCards(root, [change], false)).toEqual([`/etc/udev/rules.d/70-cdrec-eno1.rules: the network card ${B} (ens18 here) is called eno1`]);
    expect(get('etc/udev/rules.d/70-cdrec-eno1.rules')).toContain(`ATTR{address}=="${B}"`);
    expect(adaptCards(root, [change], false)).toEqual([]);
    const eth = { ...change, name: 'eth0', here: 'eth0' };
    expect(adaptCards(root, [eth], true)).toEqual([]);
    expect(adaptCards(root, [{ ...change, here: 'eno1' }], false)).toEqual([]);
    expect(adaptCards(root, [eth], false)).toHaveLength(1);
  });
});
