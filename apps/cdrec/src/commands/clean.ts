import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode, requireAnswer } from '@cdrec/tool';
import { claimOf, readClaim } from '../claim.js';
import { readConfig } from '../config.js';
import { EXIT } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** Who says that an unfinished file is still being made, if anybody does: `.LABEL_1.iso.partial` belongs to `.LABEL.lock`. */
const claimFor = (name: string): string => claimOf(name.replace(/(_\d+\.iso|\.html)\.partial$/, '.partial'));

/** `cdrec clean`: removes what interrupted builds left behind, and nothing of those that go on. */
export async function clean(_: [], flags: { out?: string }, terminal: Terminal): Promise<number> {
  const out = resolve(flags.out ?? readConfig(undefined).output.directory);
  await requireAnswer([out]);
  let names: string[] = [];
  try {
    names = readdirSync(out).filter((n) => /^\.[A-Za-z0-9_.-]{1,28}((_\d+\.iso|\.html|_floppy\.img)?\.partial|(_floppy\.img)?\.lock)$|^\.cdrec-(grub|syslinux)-/.test(n));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  // Other programs have files of such names, too: only what says who made it is a claim.
  const claims = names.flatMap((lock) => {
    const there = lock.endsWith('.lock') ? readClaim(join(out, lock)) : undefined;
    return there?.claim.machine === undefined ? [] : [{ lock, ...there }];
  });
  const going = claims.filter((c) => c.state !== 'dead');
  for (const { lock, state, claim } of going) terminal.say(`${join(out, lock)}: ${claim.host ?? ''} is making this since ${claim.since ?? ''}${state === 'alive' ? `, process ${String(claim.pid)}` : ', as far as can be told from here: run "cdrec clean" there, or remove the file if that machine is gone'}`);
  const kept = new Set(going.map((c) => c.lock));
  const dead = new Set(claims.filter((c) => c.state === 'dead').map((c) => c.lock));
  // Where something is being made, nobody knows whose the nameless ones are.
  const removed = names.filter((n) => (n.endsWith('.lock') ? dead.has(n) : !kept.has(claimFor(n)) && (going.length === 0 || !n.startsWith('.cdrec-'))));
  for (const name of removed) {
    await rm(join(out, name), { recursive: true, force: true });
    if (!name.endsWith('.lock')) terminal.print(join(out, name));
  }
  terminal.say(`${String(removed.filter((n) => !n.endsWith('.lock')).length)} unfinished files removed from ${out}`);
  return EXIT.ok;
}
