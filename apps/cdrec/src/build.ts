import { createHash, randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTar, planBackup, type BackupItem } from '@cdrec/backup';
import { addBootFiles, findBootParts, prepareBoot, type PreparedBoot } from '@cdrec/bootimage';
import { parseSize, type Config } from '@cdrec/config';
import { buildInitrd } from '@cdrec/initrd';
import type { IsoImageWriter } from '@cdrec/iso9660';
import { buildRescueTree, packImage, type RescueTree } from '@cdrec/ramdisk';
import { neededPrograms } from '@cdrec/restore';
import { readSurvey, type Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { IsoSetWriter, labelFor, PathSetWriter, type FinishedSet, type SetWriter } from '@cdrec/volumes';
import { formatBytes, interruptSignal, searchPath, type Terminal } from './terminal.js';

/** What `cdrec build` is to do. */
export interface BuildRequest {
  readonly mode: 'rescue' | 'iso' | 'path';
  readonly config: Config;
  readonly out: string;
  readonly volumeBytes: number;
  readonly label: string | undefined;
  readonly kernel: string | undefined;
  readonly overwrite: boolean;
  /** Milliseconds since 1970: SOURCE_DATE_EPOCH, or now. */
  readonly date: number;
  /** The date was given: the set id follows from host, label and date, so that the same input gives the same bytes. */
  readonly reproducible: boolean;
}

/** A UUID of version 8 (RFC 9562) from a text. */
function derivedUuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The bundled CLI: this very module when it is the bundle, else what the build put beside it. */
export function bundlePath(): string {
  const self = fileURLToPath(import.meta.url);
  const path = self.endsWith('cdrec.mjs') ? self : join(self, '../bundle/cdrec.mjs');
  if (!existsSync(path)) throw new CdrecError('BUNDLE_MISSING', `${path} is missing: this installation of cdrec is not complete`, { hint: 'in a checkout, run "npm run build"' });
  return path;
}

/** Reads the machine as configured, and stops on what is not understood. @throws CdrecError UNSUPPORTED */
export async function surveyMachine(request: Pick<BuildRequest, 'config' | 'kernel' | 'date'>): Promise<Survey> {
  const { backup, rescue } = request.config;
  const kernel = request.kernel ?? rescue.kernel;
  const survey = await readSurvey({ ...(kernel === '' ? {} : { kernel }), excludeMounts: backup.exclude_mounts, allowUnsupported: backup.allow_unsupported, path: searchPath(), now: request.date });
  const open = survey.unsupported.filter((u) => !u.excluded);
  if (open.length > 0) {
    throw new CdrecError('UNSUPPORTED', `not everything on this machine can be brought back:\n${open.map((u) => `  ${u.object}: ${u.what}: ${u.reason}`).join('\n')}`, {
      hint: `leave it out knowingly: backup.allow_unsupported = [${open.map((u) => `"${u.object}"`).join(', ')}], or --exclude-mount`,
    });
  }
  if (survey.fileSystems.every((f) => f.mount !== '/')) throw new CdrecError('UNSUPPORTED', 'the root file system was not found on a local disk', { hint: 'run cdrec on the machine itself, as root' });
  return survey;
}

/** Builds a set: survey, rescue system, volumes with backups. Everything half-done is removed on an error. */
export async function build(request: BuildRequest, terminal: Terminal): Promise<{ set: FinishedSet; exceptions: string[] }> {
  const { config, mode, out, date } = request;
  prepareDirectory(out);
  const interrupt = interruptSignal();
  let writer: SetWriter | undefined;
  try {
    terminal.say('Survey of the machine');
    const survey = await surveyMachine(request);
    const label = request.label ?? labelFor(date);
    const setId = request.reproducible ? derivedUuid(`${survey.host.name} ${label} ${String(date)}`) : randomUUID();
    const parts = findBootParts(searchPath());
    const boot = await prepareBoot(parts, { setId, label, host: survey.host.name, append: config.rescue.kernel_append, memtest: parts.memtest !== undefined, timeout: 10 }, date, out);
    for (const m of parts.missing) terminal.say(`  warning: ${m.what} is missing: ${m.hint}`);

    terminal.say(`Rescue system with kernel ${survey.boot.kernel.version}`);
    const initrd = await buildInitrd({ modules: survey.boot.kernel.modules, modulesInUse: survey.modules, image: config.rescue.image, path: searchPath(), date });
    const rescue = await collectRescue(request, survey, label, terminal);
    interrupt.signal.throwIfAborted();

    const options = {
      setId, label, created: date, host: survey.host.name, mode, directory: out, volumeBytes: mode === 'iso' ? request.volumeBytes : Number.MAX_SAFE_INTEGER, overwrite: request.overwrite,
      boot: { ...(boot.mbrCode === undefined ? {} : { mbrCode: boot.mbrCode }), ...(boot.esp === undefined ? {} : { esp: boot.esp }) },
      populate: async (iso: IsoImageWriter, file: string) => {
        // mksquashfs must seek, so it writes straight into the volume: not one byte of the rescue system is written twice.
        await packImage(rescue.tree.entries(), config.rescue.image, file, date, availableParallelism(), iso.nextOffset);
        iso.adoptFile(`cdrec/rd-base.${config.rescue.image}`);
        addBootFiles(iso, boot, survey.boot.kernel.image, initrd);
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

function prepareDirectory(out: string): void {
  try {
    mkdirSync(out, { recursive: true, mode: 0o700 });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new CdrecError('OUTPUT_DIRECTORY', `${out} cannot be written to: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: 'choose another --out' });
  }
}

async function collectRescue(request: BuildRequest, survey: Survey, label: string, terminal: Terminal): Promise<RescueTree> {
  const { rescue } = request.config;
  const built = await buildRescueTree({
    modules: survey.boot.kernel.modules, moduleSet: rescue.modules, modulesInUse: survey.modules, programs: rescue.programs,
    needed: neededPrograms(survey.disks, survey.fileSystems, survey.swaps),
    node: process.execPath, bundle: bundlePath(), survey: JSON.stringify(survey, null, 1), host: survey.host.name, label,
    limit: parseSize(rescue.max_size), path: searchPath(),
  });
  terminal.say(`  ${[...built.parts].sort(([, a], [, b]) => b - a).map(([part, n]) => `${part} ${formatBytes(n)}`).join(', ')}; ${String(built.modules)} modules`);
  return built;
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
