import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findProgram, runTool } from '@cdrec/tool';
import * as z from 'zod';
import type { Survey } from './schema.js';

const linkSchema = z.array(z.object({
  ifname: z.string(), address: z.string().optional(), permaddr: z.string().optional(), link: z.string().optional(), master: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional(), info_data: z.object({ id: z.int().optional() }).optional() }).optional(),
  addr_info: z.array(z.object({ local: z.string(), prefixlen: z.number(), scope: z.string().optional() })).default([]),
}));
const routeSchema = z.array(z.object({ dst: z.string(), gateway: z.string().optional() }));
type Link = z.output<typeof linkSchema>[number];

/** What a survey says of the network. */
export type SurveyedNetwork = Pick<Survey, 'network' | 'routes' | 'nameServers' | 'searchDomains'>;

/** The card below an interface, and the VLAN on the way to it. Bonds and bridges count as their first card. */
function cardOf(link: Link, all: readonly Link[], isCard: (name: string) => boolean, depth = 0): { card: string; vlan: number | undefined } | undefined {
  if (isCard(link.ifname)) return { card: link.ifname, vlan: undefined };
  const lower = link.link !== undefined ? all.find((l) => l.ifname === link.link) : all.find((l) => l.master === link.ifname);
  if (lower === undefined || depth > 8) return undefined;
  const below = cardOf(lower, all, isCard, depth + 1);
  return below === undefined ? undefined : { card: below.card, vlan: link.linkinfo?.info_kind === 'vlan' ? link.linkinfo.info_data?.id : below.vlan };
}

/**
 * Network of a machine from the output of \`ip -json -details address\`, \`ip -json route\` (IPv4 and IPv6) and the text of resolv.conf.
 * Pure; \`cards\` are the interfaces with hardware behind them and their drivers, `paths` where these are.
 */
export function parseNetwork(addresses: string, routes: readonly string[], resolv: string, cards: ReadonlyMap<string, string>, paths: ReadonlyMap<string, string> = new Map()): SurveyedNetwork {
  const links = linkSchema.parse(JSON.parse(addresses));
  const network = links.filter((l) => cards.has(l.ifname)).map((l) => ({
    // In a bond all cards have one address; their own is another.
    name: l.ifname, mac: l.permaddr ?? l.address ?? '', driver: cards.get(l.ifname) ?? '', addresses: [] as string[], vlans: [] as { id: number; addresses: string[] }[], ...(paths.has(l.ifname) ? { path: paths.get(l.ifname) as string } : {}),
  }));
  for (const link of links) {
    const own = link.addr_info.filter((a) => a.scope !== 'link' && a.scope !== 'host').map((a) => `${a.local}/${String(a.prefixlen)}`);
    const place = cardOf(link, links, (name) => cards.has(name));
    const card = network.find((n) => n.name === place?.card);
    if (card === undefined || own.length === 0) continue;
    if (place?.vlan === undefined) card.addresses.push(...own);
    else card.vlans.push({ id: place.vlan, addresses: own });
  }
  const words = (key: string): string[] => resolv.split('\n').filter((l) => l.startsWith(`${key} `)).flatMap((l) => l.trim().split(/\s+/).slice(1));
  return {
    network, routes: routes.flatMap((r) => routeSchema.parse(JSON.parse(r))).flatMap((r) => (r.gateway === undefined ? [] : [{ to: r.dst, via: r.gateway }])),
    nameServers: words('nameserver'), searchDomains: words('search'),
  };
}

/** Reads the network of this machine; empty when \`ip\` is not installed. */
export async function readNetwork(path: string): Promise<SurveyedNetwork> {
  const nothing: SurveyedNetwork = { network: [], routes: [], nameServers: [], searchDomains: [] };
  if (findProgram('ip', path) === undefined) return nothing;
  const addresses = (await runTool('ip', ['-json', '-details', 'address'])).stdout;
  const cards = new Map<string, string>();
  const paths = new Map<string, string>();
  for (const { ifname } of z.array(z.object({ ifname: z.string() })).parse(JSON.parse(addresses))) {
    const device = join('/sys/class/net', ifname, 'device');
    if (!existsSync(device)) continue;
    cards.set(ifname, existsSync(join(device, 'driver')) ? basename(readlinkSync(join(device, 'driver'))) : '');
    // What virtio counts goes by the order in which drivers are loaded.
    paths.set(ifname, realpathSync(device).replace(/^\/sys\/devices\//, '').replace(/\/virtio\d+$/, ''));
  }
  const routes = await Promise.all(['-4', '-6'].map(async (family) => (await runTool('ip', ['-json', family, 'route'], { ok: [0, 1, 2] })).stdout.trim() || '[]'));
  // systemd-resolved keeps the real servers beside its own stub.
  const file = ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf'].find((f) => existsSync(f));
  return parseNetwork(addresses, routes, file === undefined ? '' : readFileSync(file, 'utf8'), cards, paths);
}
