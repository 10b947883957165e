import type { BootLoader, FirmwareEntry, Survey } from '@cdrec/survey';
import { partitionNode } from './commands.js';
import type { Assignment } from './match.js';
import type { EspPlace, Placement, Step } from './plan.js';
import { renamedDevices, rewriteReferences } from './references.js';

/** Device nodes of the partitions that an ESP is on: its own, or those of the mirror that it is (md(4), metadata 1.0 at the end, which firmware does not see). */
function espPartitions(survey: Survey, device: string): string[] {
  const mirror = survey.layers.find((l) => l.type === 'raid' && l.device === device);
  return mirror?.type === 'raid' ? mirror.members.filter((m) => m.slot >= 0).map((m) => m.device) : [device];
}

/** Boot entries of the firmware that start files on some partitions, each once. */
function entriesOf(survey: Survey, nodes: readonly string[]): FirmwareEntry[] {
  const uuids = survey.disks.flatMap((d) => d.table?.partitions ?? []).filter((p) => nodes.includes(p.node)).map((p) => p.uuid?.toUpperCase());
  const of = survey.boot.entries.filter((e) => uuids.includes(e.partition));
  return of.filter((e, i) => of.findIndex((o) => o.label === e.label && o.file === e.file && o.arguments === e.arguments) === i);
}

/** Where a loader is installed: in the first sector of its disk, or of the partition that it had, unless what started that one is gone with the old table (`convertTable`). */
function placeOf(survey: Survey, loader: Exclude<BootLoader, { type: 'efi' }>, target: string): string {
  const source = survey.disks.find((d) => d.device === loader.disk);
  const partition = 'partition' in loader && source?.table?.type === 'dos' ? source.table.partitions.find((p) => p.node === loader.partition) : undefined;
  return partition === undefined ? target : partitionNode(target, partition.number);
}

/** The steps that make the restored system start: each loader that the machine had, where its disk or ESP has a new place. */
export function loaderSteps(survey: Survey, assignments: readonly Assignment[], partUuids: ReadonlyMap<string, string>, fileSystems: readonly Placement[]): Step[] {
  const targetOf = new Map(assignments.map((a) => [a.source.device, a.target.device]));
  return survey.boot.loaders.flatMap((loader): Step[] => {
    if (loader.type !== 'efi') {
      const target = targetOf.get(loader.disk);
      if (target === undefined) return [];
      const disk = placeOf(survey, loader, target);
      const common = { id: `boot loader ${disk}`, disk, fileSystems };
      if (loader.type === 'lilo') return [{ ...common, kind: 'lilo' }];
      return [{ ...common, kind: loader.type, directory: loader.directory, ...(loader.type === 'grub-bios' && disk !== target ? { partition: true } : {}) }];
    }
    const esp = survey.fileSystems.find((f) => f.mount === loader.mount);
    if (esp === undefined) return [];
    const nodes = espPartitions(survey, esp.device);
    const places = survey.disks.flatMap((d) => (d.table?.partitions ?? []).filter((p) => nodes.includes(p.node)).flatMap((p): EspPlace[] => {
      const disk = targetOf.get(d.device);
      return disk === undefined ? [] : [{ disk, partition: p.number }];
    }));
    const entries = entriesOf(survey, nodes).map((e) => ({ ...e, arguments: rewriteReferences(e.arguments, renamedDevices(survey, assignments, partUuids, !/\binitrd=/.test(e.arguments)), 'tag').text }));
    return [{ id: `boot loader ${loader.mount}`, kind: 'efi', places, mount: loader.mount, label: survey.host.osId || 'linux', entries, fileSystems }];
  });
}
