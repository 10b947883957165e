import { checkImage, IsoError, IsoReader, openByteSource, type BootImage, type CheckOptions, type Finding, type Namespace, type VolumeInfo } from '@cdrec/iso9660';
import { formatBytes } from './terminal.js';

/** What was found out about an ISO image. */
export interface InspectedImage {
  readonly path: string;
  readonly volume: VolumeInfo | undefined;
  readonly namespace: Namespace | undefined;
  readonly bootImages: readonly BootImage[];
  readonly findings: readonly Finding[];
}

/** True for an ISO image that is no volume of a recovery set. */
export async function isPlainImage(path: string): Promise<boolean> {
  const source = await openByteSource(path).catch(() => undefined);
  if (source === undefined) return false;
  try {
    return !(await (await IsoReader.open(source)).has('cdrec/set.json'));
  } catch (error) {
    // A damaged image is shown with its findings; what is none at all is told by the search for sets.
    return error instanceof IsoError && error.code !== 'ISO_NOT_ISO';
  } finally {
    await source.close();
  }
}

/** Reads descriptors and boot catalog of an image and checks its format. */
export async function inspectImage(path: string, options: CheckOptions): Promise<InspectedImage> {
  const source = await openByteSource(path);
  try {
    const findings = await checkImage(source, options);
    try {
      const reader = await IsoReader.open(source);
      return { path, volume: reader.volume, namespace: reader.namespace, bootImages: await reader.bootImages(), findings };
    } catch (error) {
      if (!(error instanceof IsoError)) throw error;
      return { path, volume: undefined, namespace: undefined, bootImages: [], findings };
    }
  } finally {
    await source.close();
  }
}

const NAMES: Readonly<Record<Namespace, string>> = { rockridge: 'Rock Ridge', joliet: 'Joliet', enhanced: 'ISO 9660:1999', iso: 'plain ISO 9660 names' };

/** Lines for a person. */
export function describeImage(image: InspectedImage): string[] {
  const { path, volume, namespace, bootImages, findings } = image;
  const lines = [`image ${path}`];
  if (volume !== undefined && namespace !== undefined) {
    lines.push(`volume id ${volume.volumeId}, ${formatBytes(volume.bytes)}, ${NAMES[namespace]}${volume.jolietVolumeId === undefined ? '' : ', Joliet'}${volume.modified === undefined ? '' : `, ${new Date(volume.modified).toISOString().slice(0, 10)}`}`);
  }
  for (const b of bootImages) lines.push(`boots by ${b.platform === 'efi' ? 'UEFI' : b.platform === 'bios' ? 'BIOS' : b.platform}${b.emulation === 'none' ? '' : `, ${b.emulation} emulation`}, sector ${String(b.sector)}`);
  if (findings.length === 0) lines.push('format: no findings');
  for (const f of findings) lines.push(`${f.severity}: ${f.text} (byte ${String(f.offset)}; ${f.clause}; ${f.rule})`);
  return lines;
}
