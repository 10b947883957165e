/** Addresses of a machine, as its survey has them. */
export interface SurveyedNetwork {
  readonly cards: readonly { readonly mac: string; readonly addresses: readonly string[]; readonly vlans: readonly { readonly id: number; readonly addresses: readonly string[] }[] }[];
  readonly routes: readonly { readonly to: string; readonly via: string }[];
  readonly dns: readonly string[];
  readonly search: readonly string[];
}

const IP = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;
const NAME = /^[A-Za-z0-9._-]+$/;

/**
 * /etc/cdrec/network: one line a fact (\`card MAC ADDRESS/BITS...\`, \`vlan ID ADDRESS...\` of the card above, \`route TO VIA\`,
 * \`dns SERVER\`, \`search DOMAIN...\`). Link-local addresses are left out: the kernel makes them. What does not look like
 * an address is left out, too: a shell reads this.
 */
export function networkLines(network: SurveyedNetwork): string {
  const usable = (all: readonly string[]): string[] => all.filter((a) => IP.test(a) && !/^fe80:/i.test(a));
  const lines = network.cards.flatMap((c) => {
    const vlans = c.vlans.map((v) => ({ id: v.id, addresses: usable(v.addresses) })).filter((v) => v.addresses.length > 0);
    const addresses = usable(c.addresses);
    if (!/^[0-9a-f:]{17}$/.test(c.mac) || (addresses.length === 0 && vlans.length === 0)) return [];
    return [['card', c.mac, ...addresses].join(' '), ...vlans.map((v) => ['vlan', String(v.id), ...v.addresses].join(' '))];
  });
  const routes = network.routes.filter((r) => (r.to === 'default' || IP.test(r.to)) && IP.test(r.via) && !/^fe80:/i.test(r.via)).map((r) => `route ${r.to} ${r.via}`);
  const dns = network.dns.filter((d) => IP.test(d) && !d.startsWith("127.")).map((d) => `dns ${d}`);
  const search = network.search.filter((s) => NAME.test(s));
  return [...lines, ...routes, ...dns, ...(search.length > 0 ? [`search ${search.join(' ')}`] : [])].map((l) => `${l}\n`).join('');
}
