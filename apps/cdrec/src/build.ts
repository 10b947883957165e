import { accessSync, constants, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { openTar, planBackup, type BackupItem } from '@cdrec/backup';
import { addBootFiles, type PreparedBoot } from '@cdrec/bootimage';
import type { IsoImageWriter } from '@cdrec/iso9660';
import { packImage } from '@cdrec/ramdisk';
import type { Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { IsoSetWriter, PathSetWriter, type FinishedSet, type SetWriter } from '@cdrec/volumes';
import { collectRescue, type RescueRequest } from './rescue-parts.js';
import { formatBytes, interruptSignal, type Terminal } from './terminal.js';

/** What `cdrec build` is to do. */
export interface BuildRequest extends RescueRequest {
  readonly mode: 'rescue' | 'iso' | 'path';
  readonly volumeBytes: number;
}

/** Builds a set: survey, rescue system, volumes with backups. Everything half-done is removed on an error. */
export async function build(request: BuildRequest, terminal: Terminal): Promise<{ set: FinishedSet; exceptions: string[] }> {
  const { config, mode, out, date } = request;
  prepareDirectory(out);
  const interrupt = interruptSignal();
  let writer: SetWriter | undefined;
  try {
    const { survey, label, setId, boot, rescue } = await collectRescue(request, terminal, interrupt.signal);
    interrupt.signal.throwIfAborted();

    const options = {
      setId, label, created: date, host: survey.host.name, mode, directory: out, volumeBytes: mode === 'iso' ? request.volumeBytes : Number.MAX_SAFE_INTEGER, overwrite: request.overwrite,
      boot: { ...(boot.mbr === undefined ? {} : { mbr: boot.mbr }), ...(boot.esp === undefined ? {} : { esp: boot.esp }) },
      populate: async (iso: IsoImageWriter, file: string) => {
        // mksquashfs must seek, so it writes straight into the volume: not one byte of the rescue system is written twice.
        await packImage(rescue.tree.entries(), config.rescue.image, file, date, availableParallelism(), iso.nextOffset);
        iso.adoptFile(`cdrec/rd-base.${config.rescue.image}`);
        addBootFiles(iso, boot);
        iso.addFile('cdrec/survey.json', Buffer.from(JSON.stringify(survey, null, 1)), { mode: 0o400 });
        iso.addFile('README.txt', Buffer.from(readme(survey, boot)));
      },
      onVolume: (n: number, bytes: number) => { terminal.say(`  volume ${String(n)}: ${formatBytes(bytes)}`); },
    };
    writer = mode === 'path' ? await PathSetWriter.begin(options) : await IsoSetWriter.begin(options);
    interrupt.signal.throwIfAborted();
    const exceptions = mode === 'rescue' ? [] : await writeArchives(writer, survey, request, terminal, interrupt.signal);
    const set = await writer.finish();
    writer = undefined;
    return { set, exceptions };
  } finally {
    interrupt.stop();
    await writer?.abort();
  }
}

/** Makes the output directory. @throws CdrecError OUTPUT_DIRECTORY */
export function prepareDirectory(out: string): void {
  try {
    mkdirSync(out, { recursive: true, mode: 0o700 });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new CdrecError('OUTPUT_DIRECTORY', `${out} cannot be written to: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: 'choose another --out' });
  }
}

/** What a person needs who finds only this disc. */
function readme(survey: Survey, boot: PreparedBoot): string {
  const disks = survey.disks.filter((d) => d.used).map((d) => `  ${d.device}  ${String(d.bytes)} bytes  ${d.model} ${d.serial}`.trimEnd()).join('\n');
  return `Recovery set ${boot.menu.label} of ${survey.host.name} (${survey.host.os}), made ${survey.created} by cdrec.

Boot this disc (or a USB stick with this image), choose "Rescue system", and type: start-restore
A plan is shown first. Nothing is written before you agree.

Disks of the machine:
${disks}

By hand: every archive under backup/ is a GNU tar stream, cut into pieces .001, .002... where it did not fit:
  cat backup/NAME.tar.zst.* | zstd -d | tar -x --numeric-owner --xattrs --xattrs-include='*' --acls --selinux -p
Checksums.sfv holds the CRC-32 of every file (cksfv -f Checksums.sfv), cdrec/set.json the SHA-256 of every piece.
`;
}

async function writeArchives(writer: SetWriter, survey: Survey, request: BuildRequest, terminal: Terminal, signal: AbortSignal): Promise<string[]> {
  const { config, out } = request;
  const own = [`${out}/CDrec-*`, `${out}/.CDrec-*`, `${out}/.cdrec-*`, ...(request.label === undefined ? [] : [`${out}/${request.label}*`, `${out}/.${request.label}*`])];
  const items = planBackup(survey, { compress: config.backup.compress, level: config.backup.level, exclude: [...own, '/var/lib/cdrec/*', ...config.backup.exclude] });
  const exceptions: string[] = [];
  for (const item of items) exceptions.push(...(await writeArchive(writer, item, terminal, signal)));
  return exceptions;
}

async function writeArchive(writer: SetWriter, item: BackupItem, terminal: Terminal, signal: AbortSignal): Promise<string[]> {
  const tar = openTar(item.tarArguments, item.meta.mount, item.meta.mount);
  const meter = terminal.progress(`Backup of ${item.meta.mount}`, item.usedBytes);
  async function* source(): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar.stream) {
      signal.throwIfAborted();
      meter.set(tar.bytesRead());
      yield chunk;
    }
  }
  try {
    const archive = await writer.addArchive(item.meta, source(), () => tar.ended());
    meter.done(`${formatBytes(archive.contentBytes)}, stored as ${formatBytes(archive.bytes)}`);
    return archive.exceptions.map((e) => `${item.meta.mount}: ${e}`);
  } catch (error) {
    tar.kill();
    throw error;
  }
}
