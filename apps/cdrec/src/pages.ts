import type { MapDisk, Sheet } from '@cdrec/report';
import { diskMap, leastDiskBytes } from '@cdrec/restore';
import type { Survey } from '@cdrec/survey';
import { VERSION } from './version.js';

/** A disk as it is drawn: its partitions with what they hold. `after`: the survey with the sizes that are drawn. */
export function mapOf(before: Survey, after: Survey, device: string, bytes: number): MapDisk {
  const rows = diskMap(before, after, device);
  const tops = rows.flatMap((r, i) => (r.depth === 0 ? [i] : []));
  return {
    title: device, bytes,
    parts: tops.map((at, i) => {
      const row = rows[at] as (typeof rows)[number];
      const inside = rows.slice(at + 1, tops[i + 1]).map((r) => r.what).filter((t) => t !== '');
      return { name: row.name, bytes: row.after ?? 0, what: row.what || inside.slice(0, 2).join('; ') };
    }),
  };
}

/** What is known of a set when its sheet is made. */
export interface SheetFacts {
  readonly survey: Survey;
  readonly label: string;
  readonly setId: string;
  readonly created: string;
  readonly mode: Sheet['mode'];
  readonly volumes?: readonly string[];
  readonly archives: readonly { readonly kind: string; readonly name: string; readonly mount: string; readonly encrypt?: string | undefined }[];
  readonly rehearsed?: Sheet['rehearsed'];
}

/** The recovery sheet of a set, as data. */
export function sheetOf(f: SheetFacts): Sheet {
  const { survey } = f;
  const { host, boot } = survey;
  return {
    host: host.name, os: host.os, hardware: [[host.vendor, host.product].filter((t) => t !== '').join(' '), `${String(host.cpus)} × ${host.cpu || host.arch}`, `${String(Math.round(host.memoryBytes / 2 ** 30))} GiB of memory`].filter((t) => t !== '').join(', '),
    label: f.label, setId: f.setId, created: f.created, version: VERSION, mode: f.mode, firmware: boot.firmware, secureBoot: boot.secureBoot, volumes: f.volumes,
    disks: survey.disks.filter((d) => d.used).map((d) => ({ ...mapOf(survey, survey, d.device, d.bytes), model: d.model, serial: d.serial, leastBytes: leastDiskBytes(survey, d) })),
    fileSystems: survey.fileSystems.map((fs) => ({ mount: fs.mount, type: fs.type, usedBytes: fs.usedBytes, archive: f.archives.find((a) => (a.kind === 'tar' || a.kind === 'tree') && a.mount === fs.mount)?.name ?? '' })),
    encrypted: f.archives.some((a) => a.encrypt !== undefined), luks: survey.layers.some((l) => l.type === 'luks'), network: survey.network.flatMap((n) => n.addresses),
    ...(f.rehearsed === undefined ? {} : { rehearsed: f.rehearsed }),
  };
}
