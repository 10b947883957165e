import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';

/** A network card with hardware behind it, as a survey has it. */
export type NetworkCard = Survey['network'][number];

/** A card of the machine, and the one that has its place now. */
export interface CardChange {
  /** The name that the machine's configuration knows. */
  readonly name: string;
  /** MAC addresses, before and now; equal when the card only sits in another slot. */
  readonly from: string;
  readonly to: string;
  /** What the new one is called here, and its driver. */
  readonly here: string;
  readonly driver: string;
}

/** Which card takes the place of which, and of which it is not known. */
export interface MatchedCards { readonly changes: readonly CardChange[]; readonly unknown: readonly NetworkCard[] }

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const mac = (c: NetworkCard): string => c.mac.toLowerCase();
const configured = (c: NetworkCard): boolean => c.addresses.length > 0 || c.vlans.length > 0;

/**
 * Which of the cards that are here take the place of those that the machine had: the same MAC address, what a person said (`chosen`: old name to a new
 * name or MAC address), the same slot, or the only one that is left of each. Anything else would be a guess, and a server with inside and outside
 * exchanged is worse than one without network. Cards that stayed as they were are no change. Pure.
 * @throws CdrecError CARD_MISSING when `chosen` names one that is not there
 */
export function matchCards(before: readonly NetworkCard[], here: readonly NetworkCard[], chosen: ReadonlyMap<string, string> = new Map()): MatchedCards {
  const old = before.filter((c) => MAC.test(mac(c)));
  const found = here.filter((c) => MAC.test(mac(c)));
  const pairs = new Map<NetworkCard, NetworkCard>();
  const left = (): NetworkCard[] => found.filter((c) => ![...pairs.values()].includes(c));
  const open = (): NetworkCard[] => old.filter((c) => !pairs.has(c));
  for (const [name, to] of chosen) {
    const from = old.find((c) => c.name === name);
    const card = found.find((c) => c.name === to || mac(c) === to.toLowerCase());
    if (from === undefined) throw new CdrecError('CARD_MISSING', `the machine had no network card "${name}"`, { hint: `it had ${old.map((c) => c.name).join(', ') || 'none'}` });
    if (card === undefined) throw new CdrecError('CARD_MISSING', `there is no network card "${to}" here`, { hint: `there are ${found.map((c) => `${c.name} (${c.mac})`).join(', ') || 'none'}` });
    pairs.set(from, card);
  }
  const pair = (same: (a: NetworkCard, b: NetworkCard) => boolean): void => {
    for (const c of open()) {
      const [card, ...more] = left().filter((n) => same(c, n));
      if (card !== undefined && more.length === 0) pairs.set(c, card);
    }
  };
  pair((a, b) => mac(a) === mac(b));
  pair((a, b) => a.path !== undefined && a.path === b.path);
  for (const some of [open(), open().filter(configured)]) {
    const [card] = left();
    if (some.length === 1 && left().length === 1 && !pairs.has(some[0] as NetworkCard)) pairs.set(some[0] as NetworkCard, card as NetworkCard);
  }
  const changes = [...pairs].filter(([a, b]) => mac(a) !== mac(b) || (a.path !== undefined && b.path !== undefined && a.path !== b.path))
    .map(([a, b]): CardChange => ({ name: a.name, from: mac(a), to: mac(b), here: b.name, driver: b.driver }));
  // Without any card here nothing can be said: its driver may not be in the rescue system.
  return { changes, unknown: found.length === 0 ? [] : open().filter(configured) };
}

/** Files that may speak of a card by its MAC address: interfaces(5), netplan(5), systemd.network(5), nm-settings-keyfile(5), ifcfg files, rules of udev. */
const PLACES: readonly (readonly [directory: string, name: RegExp])[] = [
  ['etc/network', /^interfaces$/], ['etc/network/interfaces.d', /^[\w.-]+$/], ['etc/netplan', /\.yaml$/], ['etc/systemd/network', /\.(link|network|netdev)$/],
  ['etc/NetworkManager/system-connections', /./], ['etc/sysconfig/network-scripts', /^ifcfg-/], ['etc/sysconfig/network', /^ifcfg-/], ['etc/udev/rules.d', /\.rules$/], ['etc', /^(iftab|mactab)$/],
];

/** An address that a card is given whatever its own is: that of the old card, if somebody wants it. */
const GIVEN = /^\s*(?:MACADDR|cloned-mac-address|hwaddress|bond-mac)\b/i;

/** Addresses of cards replaced in a text, in either case, but for those that a card is given. Pure. */
export function replaceMacs(text: string, changes: readonly CardChange[]): string {
  const by = new Map(changes.filter((c) => c.from !== c.to).map((c) => [c.from, c.to]));
  return text.split('\n').map((line) => (GIVEN.test(line) || /^\s*#/.test(line) ? line : line.replace(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi, (m) => {
    const now = by.get(m.toLowerCase());
    return now === undefined ? m : m === m.toLowerCase() ? now : now.toUpperCase();
  }))).join('\n');
}

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** A name in a file name. */
const inName = (name: string): string => name.replace(/[^\w.-]/g, '_');

/**
 * The restored system finds its cards: addresses in its configuration are those of the new ones, and each has the name that the configuration knows:
 * where a card got another one, by a file of systemd.link(5), or a rule of udev where another udev is (`kernelNames`: the kernel's own names are used, which go by the order of the cards, as they did). Returns what was done, a line each.
 */
export function adaptCards(root: string, changes: readonly CardChange[], kernelNames: boolean): string[] {
  const said: string[] = [];
  const known: CardChange[] = [];
  for (const [directory, name] of PLACES) {
    for (const file of existsSync(join(root, directory)) ? readdirSync(join(root, directory)).sort() : []) {
      const path = join(root, directory, file);
      if (!name.test(file) || !isFile(path)) continue;
      const before = readFileSync(path, 'latin1');
      const after = replaceMacs(before, changes);
      // A name that is given by the address, here already (netplan's set-name becomes a file of systemd.link(5), too).
      if (/\.(link|rules|yaml)$/.test(file)) known.push(...changes.filter((c) => after.toLowerCase().includes(c.to) && new RegExp(`(?:^Name=|\\bNAME:?=|\\bset-name: *)["']?${c.name.replaceAll('.', '\\.')}["']?\\s*$`, 'm').test(after)));
      if (after === before) continue;
      writeFileSync(path, after, 'latin1');
      for (const c of changes) if (c.from !== c.to && before.toLowerCase().includes(c.from)) said.push(`/${directory}/${file}: ${c.from} -> ${c.to}`);
    }
  }
  for (const c of changes) {
    const byKernel = /^(?:eth|wlan)\d+$/.test(c.name);
    // Here a kernel's name may be all that there is; the restored system might call the card otherwise.
    if (known.includes(c) || (c.here === c.name && !byKernel) || (kernelNames && byKernel)) continue;
    said.push(nameCard(root, c));
  }
  return said;
}

function nameCard(root: string, { name, to, here }: CardChange): string {
  const systemd = ['usr/lib/systemd/systemd-udevd', 'lib/systemd/systemd-udevd'].some((p) => existsSync(join(root, p)));
  const [directory, file, text] = systemd
    ? ['etc/systemd/network', `10-cdrec-${inName(name)}.link`, `# Made by a restore: the card that took the place of ${name}.\n[Match]\nMACAddress=${to}\nType=${name.startsWith("wl") ? 'wlan' : 'ether'}\n\n[Link]\nName=${name}\n`]
    : ['etc/udev/rules.d', `70-cdrec-${inName(name)}.rules`, `# Made by a restore: the card that took the place of ${name}.\nSUBSYSTEM=="net", ACTION=="add", ATTR{address}=="${to}", ATTR{type}=="1", DRIVERS=="?*", NAME="${name}"\n`];
  mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, directory, file), text);
  return `/${directory}/${file}: the network card ${to} (${here} here) is called ${name}`;
}

/** A card of a plan, in words. */
export const cardLine = (c: CardChange): string => `${c.name} (${c.from}): ${c.to === c.from ? 'the same card in another slot' : `${c.to}, here ${c.here}`}${c.driver === '' ? '' : `, ${c.driver}`}; keeps the name ${c.name}`;

/** What a plan says of a card that nothing is known to take the place of. */
export const cardWarning = (c: NetworkCard, here: readonly NetworkCard[]): string =>
  `the network card ${c.name} (${c.mac}${c.addresses.length === 0 ? '' : `, ${c.addresses.join(', ')}`}) is not here, and it is not clear which one takes its place: say it (--nic ${c.name}=NEW; here are ${here.map((n) => `${n.name} ${n.mac}`).join(', ')}), or set the network of the restored system by hand`;
