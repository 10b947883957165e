import type { FirmwareEntry } from '@cdrec/survey';
import { runTool } from '@cdrec/tool';
import type { Step } from './plan.js';

/**
 * Which entries of the firmware (efibootmgr(8), verbose) new ones of some labels take the place of, by their numbers: those of the same labels, unless
 * they start from a partition of another disk, which stays as it is: another system of the same distribution. Pure.
 */
export function replacedEntries(listed: string, labels: readonly string[], elsewhere: ReadonlySet<string>): string[] {
  return [...listed.matchAll(/^Boot([0-9A-F]{4})[* ] ([^\t\n]*)(?:\t(.*))?$/gm)].filter(([, , label, path]) => {
    const partition = /\bGPT,([0-9a-f-]{36})/i.exec(path ?? '')?.[1]?.toLowerCase();
    return labels.includes(label as string) && (partition === undefined || !elsewhere.has(partition));
  }).map(([, number]) => number as string);
}

/** PARTUUIDs of partitions that lie on other disks than these, and on none of these. */
async function partitionsElsewhere(disks: readonly string[]): Promise<Set<string>> {
  const { stdout } = await runTool('lsblk', ['--pairs', '--output', 'PARTUUID,PKNAME']);
  const all = [...stdout.matchAll(/^PARTUUID="(.+)" PKNAME="(.*)"$/gm)].map(([, id, disk]) => ({ id: (id as string).toLowerCase(), here: disks.includes(`/dev/${disk as string}`) }));
  const here = new Set(all.filter((p) => p.here).map((p) => p.id));
  return new Set(all.filter((p) => !here.has(p.id)).map((p) => p.id));
}

/** Writes entries in their order, for every disk that the ESP is on; older ones of the same names are replaced, not piled up. Returns why that failed. */
export async function enterFirmware(step: Pick<Extract<Step, { kind: 'efi' }>, 'places'>, entries: readonly Pick<FirmwareEntry, 'label' | 'file' | 'arguments'>[]): Promise<string | undefined> {
  try {
    const { stdout } = await runTool('efibootmgr', ['--verbose']);
    const elsewhere = await partitionsElsewhere(step.places.map((p) => p.disk));
    for (const number of replacedEntries(stdout, entries.map((e) => e.label), elsewhere)) await runTool('efibootmgr', ['--quiet', '--bootnum', number, '--delete-bootnum']);
    // Each new one is put before the others.
    for (const place of [...step.places].reverse()) {
      for (const e of [...entries].reverse()) {
        await runTool('efibootmgr', ['--quiet', '--create', '--disk', place.disk, '--part', String(place.partition), '--label', e.label, '--loader', e.file, ...(e.arguments === '' ? [] : ['--unicode', e.arguments])]);
      }
    }
    return step.places.length === 0 ? 'the ESP lies on no partition of these disks' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
