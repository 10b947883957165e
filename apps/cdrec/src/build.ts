import { accessSync, constants, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { addBootFiles, type PreparedBoot } from '@cdrec/bootimage';
import type { BackupItem } from '@cdrec/backup';
import type { IsoImageWriter } from '@cdrec/iso9660';
import { packImage } from '@cdrec/ramdisk';
import { recoverySheet } from '@cdrec/report';
import { roomWarnings, withContent } from '@cdrec/restore';
import type { Survey } from '@cdrec/survey';
import { parseSize } from '@cdrec/config';
import { CdrecError, decompressStage, requireAnswer } from '@cdrec/tool';
import { IsoSetWriter, labelFor, PathSetWriter, TapeSetWriter, volumeLabel, type Archive, type FinishedSet, type SetWriter, type TapeSetOptions } from '@cdrec/volumes';
import { collectRescue, type RescueRequest } from './rescue-parts.js';
import { formatBytes, interruptSignal, type Terminal } from './terminal.js';
import type { Burner } from './burner.js';
import { claim } from './claim.js';
import { checkDestination, largestFile, watchDestination } from './destination.js';
import { sheetOf } from './pages.js';
import { writeRecovery } from './recovery.js';
import { unsaved } from './dry-run.js';
import { nextTape, tapeDrives } from './tapes.js';
import { planArchives, prepareEncryption, rulesFor, writeArchives } from './archives.js';
import { connectForBuild, macsOf, manifestOf } from './repository-build.js';
import { formatDocument } from './source.js';
import { archiveStore, engineStore } from './stores.js';

/** What `cdrec build` is to do. */
export interface BuildRequest extends RescueRequest {
  readonly mode: 'rescue' | 'iso' | 'path' | 'tape' | 'repository';
  /** Make a repository that is not there yet. */
  readonly initialize?: boolean;
  readonly volumeBytes: number;
  /** Tape drives, as they were named. */
  readonly tapes: readonly string[];
  /** Burner into which every volume goes as soon as it is complete. */
  readonly burner?: Burner;
  /** A directory for archives may lie on a disk that is backed up. */
  readonly sameDisk: boolean;
}

/** Builds a set: survey, rescue system, volumes with backups. Everything half-done is removed on an error. */
export async function build(request: BuildRequest, terminal: Terminal): Promise<{ set: FinishedSet; exceptions: string[] }> {
  const { config, mode, out, date } = request;
  await prepareDirectory(out);
  const interrupt = interruptSignal('what was begun is removed, complete sets are as they were; cdrec clean removes what a killed build left');
  let writer: SetWriter | undefined;
  let release: (() => void) | undefined;
  try {
    release = claim(join(out, `.${request.label ?? labelFor(date)}.partial`));
    // Reached before hours of work, not behind them.
    const backing = mode === 'repository' ? await connectForBuild(config, request.initialize === true, terminal, interrupt.signal) : undefined;
    const encryption = mode === 'rescue' || mode === 'repository' ? { recipients: [] } : await prepareEncryption(config, terminal);
    const { survey, label, setId, boot, rescue, image } = await collectRescue({ ...request, access: backing?.access }, terminal, interrupt.signal);
    interrupt.signal.throwIfAborted();
    const items = mode === 'rescue' ? [] : planArchives(survey, request, encryption.recipients);
    if (mode !== 'rescue') for (const u of await unsaved(survey)) terminal.say(`  warning: ${u.device} (${u.type}, not mounted) is not saved; backup.images = ["${u.device}"] would save it`);

    const most = largestFile(out);
    if (most !== undefined && (mode === 'path' || (mode === 'iso' && request.volumeBytes > most))) terminal.say(`  ${out} is a FAT file system: ${mode === 'path' ? 'archives are cut into pieces of less' : 'volumes have less'} than ${formatBytes(most + 1)}`);
    const facts = { survey, label, setId, created: new Date(date).toISOString(), mode, archives: items.map((i) => i.meta) };
    const options = {
      setId, label, ...(encryption.key === undefined ? {} : { key: encryption.key }), created: date, host: survey.host.name, directory: out, volumeBytes: Math.min(mode === 'iso' ? request.volumeBytes : Number.MAX_SAFE_INTEGER, most ?? Infinity), ...(most === undefined ? {} : { maxFileBytes: most }), overwrite: request.overwrite,
      boot: { ...(boot.mbr === undefined ? {} : { mbr: boot.mbr }), ...(boot.esp === undefined ? {} : { esp: boot.esp }) },
      populate: async (iso: IsoImageWriter, file: string) => {
        // mksquashfs must seek, so it writes straight into the volume: not one byte of the rescue system is written twice.
        await packImage(rescue.tree.entries(), image, file, date, availableParallelism(), iso.nextOffset);
        iso.adoptFile(`cdrec/rd-base.${image}`);
        addBootFiles(iso, boot);
        iso.addFile('cdrec/survey.json', Buffer.from(JSON.stringify(survey, null, 1)), { mode: 0o400 });
        iso.addFile('README.txt', Buffer.from(readme(survey, boot, items, backing?.byHand)));
        iso.addFile('index.html', Buffer.from(recoverySheet(sheetOf(facts))));
      },
      onVolume: async (n: number, bytes: number, file: string): Promise<'kept' | 'burned'> => {
        terminal.say(`  volume ${String(n)}: ${formatBytes(bytes)}`);
        if (request.burner === undefined) return 'kept';
        await request.burner.burn(file, volumeLabel(label, n), interrupt.signal);
        return 'burned';
      },
    };
    if (mode === 'path') await checkDestination(out, survey, items.reduce((n, i) => n + i.usedBytes, 0), config.backup.compress !== 'none', request.sameDisk, terminal);
    writer = mode === 'path' ? await PathSetWriter.begin({ ...options, mode }) : mode === 'tape' ? await beginTape(options, survey, request, label, terminal) : await IsoSetWriter.begin({ ...options, mode, ...(backing === undefined ? {} : { repository: backing.named }) });
    interrupt.signal.throwIfAborted();
    const entered: Archive[] = [];
    const made = writer;
    const store = backing === undefined ? archiveStore(writer, terminal, interrupt.signal, watchDestination(out)) : engineStore(backing.engine({ setId, host: survey.host.name }), { setId, label, host: survey.host.name, rules: rulesFor({ config, out, label: request.label }, survey) }, (archive) => {
      entered.push(archive);
      if (made instanceof IsoSetWriter) made.addReference(archive);
    }, terminal, interrupt.signal);
    const exceptions = mode === 'rescue' ? [] : await writeArchives(store, items, survey, config, terminal, interrupt.signal);
    // Only a set with its document exists in a repository.
    if (backing !== undefined) await backing.complete({ setId, label, host: survey.host.name, macs: macsOf(survey) }, formatDocument(manifestOf({ setId, label, created: date, host: survey.host.name }, backing.named, entered), survey));
    const set = await writer.finish();
    writer = undefined;
    for (const w of roomWarnings(withContent(survey, set.archives))) terminal.say(`  warning: ${w}`);
    writeSheet(join(out, `${label}.html`), recoverySheet(sheetOf({ ...facts, volumes: set.files.map((f) => basename(f.path)) })), terminal);
    await writeRecovery(set.files.map((f) => f.path), config.output.recovery_percent, terminal, interrupt.signal);
    return { set, exceptions };
  } finally {
    interrupt.stop();
    try {
      await writer?.abort();
    } finally {
      release?.();
    }
  }
}

/** A set on tape: drives are looked at before anything is made. */
function beginTape(options: Omit<TapeSetOptions, 'survey' | 'nextTape'>, survey: Survey, request: BuildRequest, label: string, terminal: Terminal): Promise<SetWriter> {
  const { config, overwrite } = request;
  const capacity = config.output.tape_capacity === '' ? {} : { capacity: parseSize(config.output.tape_capacity) };
  return TapeSetWriter.begin({ ...options, ...capacity, survey: Buffer.from(JSON.stringify(survey, null, 1)), nextTape: nextTape({ config, drives: tapeDrives(config, request.tapes), overwrite, label }, terminal) });
}

/** Makes the output directory. @throws CdrecError OUTPUT_DIRECTORY, PLACE_SILENT */
export async function prepareDirectory(out: string): Promise<void> {
  await requireAnswer([out]);
  try {
    mkdirSync(out, { recursive: true, mode: 0o700 });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new CdrecError('OUTPUT_DIRECTORY', `${out} cannot be written to: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: 'choose another --out' });
  }
}

/** The sheet beside the set: what to do on the day when the machine is dead. The set is complete without it. */
function writeSheet(path: string, html: string, terminal: Terminal): void {
  const partial = join(dirname(path), `.${basename(path)}.partial`);
  try {
    writeFileSync(partial, html, { mode: 0o600 });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    terminal.say(`  warning: the recovery sheet ${path} could not be written (${error instanceof Error ? error.message : String(error)}); it is on volume 1 as index.html`);
  }
}

/** The programs that open an archive, as a shell has them. */
function byHand({ meta }: BackupItem): string {
  const decompress = decompressStage(meta.compress, '');
  return `${meta.encrypt === undefined ? '' : ' age -d -i KEYFILE |'}${decompress === undefined ? '' : ` ${decompress.program} -d |`}`;
}

/** What a person needs who finds only this disc. */
function readme(survey: Survey, boot: PreparedBoot, items: readonly BackupItem[], elsewhere: string | undefined): string {
  const disks = survey.disks.filter((d) => d.used).map((d) => `  ${d.device}  ${String(d.bytes)} bytes  ${d.model} ${d.serial}`.trimEnd()).join('\n');
  return `Recovery set ${boot.menu.label} of ${survey.host.name} (${survey.host.os}), made ${survey.created} by cdrec.

Boot this disc (or a USB stick with this image), choose "Rescue system", and type: start-restore
A plan is shown first. Nothing is written before you agree.

Disks of the machine:
${disks}

${elsewhere !== undefined ? `By hand: ${elsewhere}` : `By hand: every archive under backup/ is a GNU tar stream, cut into pieces .001, .002... where it did not fit:
  cat ${items[0] === undefined ? 'backup/NAME.tar.zst' : `backup/${items[0].meta.name}`}* |${items[0] === undefined ? ' zstd -d |' : byHand(items[0])} tar -x --numeric-owner --xattrs --xattrs-include='*' --acls --selinux -p`}
Checksums.sfv holds the CRC-32 of every file (cksfv -f Checksums.sfv), cdrec/set.json the SHA-256 of every piece.
`;
}
