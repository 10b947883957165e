// Boots one medium in QEMU and says how far it came.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootToRescue, chooseAccelerator, Guest, powerOff } from '@cdrec/rehearse';

let accelerator;

/**
 * Boots to the rescue prompt. `o`: name, firmware, media, network, memoryMiB, keys (typed instead of Enter at the menu),
 * expect (a pattern that ends the case instead of the prompt), check(guest). Returns seconds and what the guest said of itself.
 */
export async function bootCase(dir, o) {
  accelerator ??= await chooseAccelerator();
  mkdirSync(dir, { recursive: true });
  const log = join(dir, `${o.name}.log`);
  const variables = join(dir, `${o.name}.vars`);
  rmSync(variables, { force: true });
  const started = Date.now();
  const guest = await Guest.start({
    accelerator, firmware: o.firmware, memoryMiB: o.memoryMiB ?? 512, media: o.media ?? [], log, variables,
    ...(o.network ? { network: o.network } : {}),
  });
  try {
    if (o.expect !== undefined) {
      if (o.menu !== undefined) {
        await guest.expect(o.menu, o.seconds ?? 240);
        guest.send(o.keys ?? '\r');
      }
      const match = await guest.expect(o.expect, o.seconds ?? 240);
      return { seconds: Math.round((Date.now() - started) / 1000), said: match[0].trim() };
    }
    await bootToRescue(guest, o.seconds ?? 300);
    const seconds = Math.round((Date.now() - started) / 1000);
    const node = (await guest.must('node --version', 60)).trim();
    const cdrec = (await guest.must('cdrec --version', 60)).trim();
    if (!/^v\d+\./m.test(node) || !/^\d+\.\d+\.\d+$/m.test(cdrec)) throw new Error(`node "${node}", cdrec "${cdrec}"`);
    const memory = Number((await guest.must("sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo", 30)).trim());
    const said = await o.check?.(guest);
    await powerOff(guest);
    const complaint = /.*(command not found|No such file or directory).*/.exec(readFileSync(log, 'latin1'));
    if (complaint !== null) throw new Error(`the rescue system says "${complaint[0]}"`);
    return { seconds, freeMiB: Math.round(memory / 1024), said };
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}
