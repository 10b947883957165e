import type { Disk, Layer, Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { mountedAt } from './mounts.js';

/** Devices that a layer lies on. */
const under = (l: Layer): string[] => (l.type === 'raid' ? l.members.map((m) => m.device) : l.type === 'luks' ? [l.on] : l.type === 'vg' ? l.physical.map((p) => p.device) : [...l.devices]);

/** Whether a device is one of some disks, or a partition of them. */
export function onDisks(disks: readonly Disk[], names: readonly string[]): (device: string) => boolean {
  const gone = new Set(disks.filter((d) => names.includes(d.device)).flatMap((d) => [d.device, ...(d.table?.partitions ?? []).map((p) => p.node)]));
  return (device) => gone.has(device);
}

/** Disks that a device lies on, whatever is between. */
export function disksUnder(survey: Survey, device: string): string[] {
  const disk = survey.disks.find((d) => d.device === device || d.table?.partitions.some((p) => p.node === device));
  if (disk !== undefined) return [disk.device];
  const layer = survey.layers.find((l) => (l.type === 'vg' ? l.volumes.some((v) => v.device === device) : l.type !== 'btrfs' && (l.device === device || device.startsWith(`${l.device}p`))));
  return layer === undefined ? [] : [...new Set(under(layer).flatMap((d) => disksUnder(survey, d)))];
}

/**
 * The part of a survey that lies on one disk, and the other disks that it lies on as well: nothing takes their place, so arrays run
 * degraded, or the planner says what cannot do without them.
 * @throws CdrecError DISK_MISSING
 */
export function surveyOfDisk(survey: Survey, device: string): { survey: Survey; without: string[] } {
  const used = survey.disks.filter((d) => d.used);
  if (!used.some((d) => d.device === device)) throw new CdrecError('DISK_MISSING', `${device} is no disk of the survey`, { hint: `its disks are ${used.map((d) => d.device).join(', ')}` });
  const onIt = (x: { readonly device: string }): boolean => disksUnder(survey, x.device).includes(device);
  const layers = survey.layers.filter((l) => under(l).some((d) => disksUnder(survey, d).includes(device)));
  const onBtrfs = (uuid: string): boolean => layers.some((l) => l.type === 'btrfs' && l.uuid === uuid);
  const fileSystems = survey.fileSystems.filter((f) => onIt(f) || (f.type === 'btrfs' && onBtrfs(f.uuid)));
  const swapFiles = survey.swapFiles.filter((s) => fileSystems.some((f) => f === mountedAt(s.path, survey.fileSystems)));
  const part = { ...survey, layers, fileSystems, swapFiles, swaps: survey.swaps.filter(onIt), images: survey.images.filter(onIt) };
  const needed = new Set([...layers.flatMap(under), ...fileSystems.map((f) => f.device), ...part.swaps.map((s) => s.device)].flatMap((d) => disksUnder(survey, d)));
  const without = used.map((d) => d.device).filter((d) => d !== device && needed.has(d));
  const loaders = survey.boot.loaders.filter((l) => (l.type === 'efi' ? fileSystems.some((f) => f.mount === l.mount) : l.disk === device));
  return { survey: { ...part, disks: survey.disks.filter((d) => d.device === device || without.includes(d.device)), boot: { ...survey.boot, loaders } }, without };
}
