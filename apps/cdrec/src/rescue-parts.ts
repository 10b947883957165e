import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileTree } from '@cdrec/closure';
import { findBootParts, prepareBoot, type PreparedBoot } from '@cdrec/bootimage';
import { parseSize, type Config } from '@cdrec/config';
import type { Access } from '@cdrec/engine';
import { buildInitrd } from '@cdrec/initrd';
import { buildRescueTree, usableFormat, type ImageFormat, type RescueTree } from '@cdrec/ramdisk';
import { neededPrograms, unknownRules } from '@cdrec/restore';
import { readSurvey, type Survey } from '@cdrec/survey';
import { CdrecError, programsOf } from '@cdrec/tool';
import { labelFor } from '@cdrec/volumes';
import { rescueExtras } from './repository.js';
import { tapeTexts } from './tapes.js';
import { formatBytes, searchPath, type Terminal } from './terminal.js';

/** What every kind of build is to do. */
export interface RescueRequest {
  readonly config: Config;
  readonly out: string;
  readonly label: string | undefined;
  readonly kernel: string | undefined;
  readonly overwrite: boolean;
  /** Milliseconds since 1970: SOURCE_DATE_EPOCH, or now. */
  readonly date: number;
  /** The date was given: the set id follows from host, label and date, so that the same input gives the same bytes. */
  readonly reproducible: boolean;
  /** Directory with the rescue root, made by `--output tree` and changed since; undefined: it is put together anew. */
  readonly tree?: string | undefined;
  /** How the repository was reached, if it was. */
  readonly access?: Access | undefined;
  /** The rescue system is for any machine of the repository, not for this one. */
  readonly generic?: boolean;
}

/** Everything of a rescue system but its packing. */
export interface RescueParts {
  readonly survey: Survey;
  readonly label: string;
  readonly setId: string;
  readonly boot: PreparedBoot;
  readonly rescue: RescueTree;
  /** Form of rd-base: as configured, where this machine can make it. */
  readonly image: ImageFormat;
}

/** A UUID of version 8 (RFC 9562) from a text. */
function derivedUuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Directory of the bundled CLI: where this module lies when it is part of the bundle, else what the build put beside it. @throws CdrecError BUNDLE_MISSING */
export function bundleDirectory(): string {
  const self = fileURLToPath(new URL('.', import.meta.url));
  const path = [self, join(self, 'bundle')].find((d) => existsSync(join(d, 'cdrec.mjs')));
  if (path === undefined) throw new CdrecError('BUNDLE_MISSING', `${join(self, 'cdrec.mjs')} is missing: this installation of cdrec is not complete`, { hint: 'in a checkout, run "npm run build"' });
  return path;
}

/** Label and id of a new set. */
export function identityOf({ label: wanted, date, reproducible }: RescueRequest, survey: Survey): { label: string; setId: string } {
  const label = wanted ?? labelFor(date);
  return { label, setId: reproducible ? derivedUuid(`${survey.host.name} ${label} ${String(date)}`) : randomUUID() };
}

/** Reads the machine as configured. */
export function readMachine({ config: { backup, rescue }, kernel = rescue.kernel, date }: Pick<RescueRequest, 'config' | 'kernel' | 'date'>): Promise<Survey> {
  return readSurvey({ ...(kernel === '' ? {} : { kernel }), excludeMounts: backup.exclude_mounts, images: backup.images, allowUnsupported: backup.allow_unsupported, path: searchPath(), now: date });
}

/** What would not be brought back, and was not left out knowingly. */
export const unsupportedOf = (survey: Survey): Survey['unsupported'] => survey.unsupported.filter((u) => !u.excluded);

/** Reads the machine as configured, and stops on what is not understood. @throws CdrecError UNSUPPORTED */
export async function surveyMachine(request: Pick<RescueRequest, 'config' | 'kernel' | 'date'>): Promise<Survey> {
  const survey = await readMachine(request);
  const open = unsupportedOf(survey);
  if (open.length > 0) {
    throw new CdrecError('UNSUPPORTED', `not everything on this machine can be brought back:\n${open.map((u) => `  ${u.object}: ${u.what}: ${u.reason}`).join('\n')}`, {
      hint: `leave it out knowingly: backup.allow_unsupported = [${open.map((u) => `"${u.object}"`).join(', ')}], or --exclude-mount`,
    });
  }
  if (survey.fileSystems.every((f) => f.mount !== '/')) throw new CdrecError('UNSUPPORTED', 'the root file system was not found on a local disk', { hint: 'run cdrec on the machine itself, as root' });
  return survey;
}

/** Waits for both; then the error of the first, or of the second, if there was one. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

/** Survey, boot loaders, initrd, and the list of files of rd-base. Temporary files lie in the output directory. */
export async function collectRescue(request: RescueRequest, terminal: Terminal, signal?: AbortSignal): Promise<RescueParts> {
  const { config: { rescue, boot, restore, backup: config }, date, out } = request;
  terminal.say('Survey of the machine');
  const survey = await surveyMachine(request);
  // Told today, not on the day of the restore.
  const [unknown] = unknownRules(survey, restore);
  if (unknown !== undefined) throw new CdrecError('CONFIG_INVALID', `restore.fixed, restore.weights: "${unknown}" is nothing of this machine`, { hint: 'give a mount point, GROUP/VOLUME, or a device' });
  const { label, setId } = identityOf(request, survey);
  const { kernel } = survey.boot;
  terminal.say(`Rescue system with kernel ${kernel.version}`);
  const { format: image, why } = await usableFormat(rescue.image, searchPath());
  if (why !== undefined) terminal.say(`  warning: ${why}`);
  const boots = async (): Promise<PreparedBoot> => {
    const initrd = await buildInitrd({ modules: kernel.modules, modulesInUse: survey.modules, addModules: rescue.add_modules, excludeModules: rescue.exclude_modules, image, path: searchPath(), date });
    const prepared = await prepareBoot({
      parts: findBootParts(searchPath()), bios: boot.bios, uefi: boot.uefi, floppy: boot.floppy, menu: { setId, label, host: survey.host.name, append: rescue.kernel_append, serial: rescue.serial, timeout: boot.timeout },
      kernel: kernel.image, initrd, secureBoot: survey.boot.secureBoot, osId: survey.host.osId, date, work: out,
    });
    terminal.say(`  boots by ${[prepared.bios === 'none' ? '' : `BIOS (${prepared.bios})`, prepared.uefi === 'none' ? '' : `UEFI (${prepared.uefi === 'signed' ? 'signed, also with Secure Boot' : 'not with Secure Boot'})`].filter((s) => s !== '').join(' and ')}`);
    return prepared;
  };
  const collects = async (): Promise<RescueTree> => {
    const extras = config.engine === 'tar' ? undefined : await rescueExtras(request.config, request.generic === true ? '' : survey.host.name, request.access, terminal);
    return buildRescueTree({
      modules: kernel.modules, moduleSet: rescue.modules, modulesInUse: survey.modules, addModules: rescue.add_modules, excludeModules: rescue.exclude_modules, programs: rescue.programs, files: [...rescue.files, ...(extras?.files ?? [])], texts: [...(extras?.texts ?? []), ...tapeTexts(request.config)], needed: [...neededPrograms(survey), ...(extras?.programs ?? []), ...programsOf(config.compress).slice(-1), ...(config.encrypt.length > 0 || config.passphrase ? ['age'] : [])],
      node: process.execPath, bundle: bundleDirectory(), survey: JSON.stringify(survey, null, 1), host: survey.host.name, label, limit: parseSize(rescue.max_size), path: searchPath(),
      keymap: rescue.keymap, coldplug: rescue.coldplug, sshKeys: rescue.ssh_keys, preExec: rescue.pre_exec, postExec: rescue.post_exec, sizeRules: restore,
      network: { mode: rescue.network, surveyed: { cards: survey.network, routes: survey.routes, dns: survey.nameServers, search: survey.searchDomains } },
    });
  };
  // The first stage is compressed while the tree is put together. Both are waited for, whatever becomes of one: nothing may go on, or leave files, behind an error.
  const [prepared, built] = await both(boots(), collects());
  signal?.throwIfAborted();
  const rescued = request.tree === undefined ? built : treeOf(request.tree, built, survey, parseSize(rescue.max_size));
  for (const w of [...prepared.warnings, ...rescued.warnings]) terminal.say(`  warning: ${w}`);
  terminal.say(`  ${[...rescued.parts].sort(([, a], [, b]) => b - a).map(([part, n]) => `${part} ${formatBytes(n)}`).join(', ')}${request.tree === undefined ? `; ${String(built.modules.length)} modules` : ` (${request.tree})`}`);
  return { survey, label, setId, boot: prepared, rescue: rescued, image };
}

/** A rescue root that lies in a directory, with the facts of today: survey, menu. @throws CdrecError TREE_INVALID */
function treeOf(directory: string, built: RescueTree, survey: Survey, limit: number): RescueTree {
  const invalid = (what: string): never => { throw new CdrecError('TREE_INVALID', `${directory} is no rescue tree for this set: ${what}`, { hint: 'make one: cdrec build --output tree' }); };
  if (!existsSync(join(directory, 'usr/sbin/init'))) invalid('it has no /usr/sbin/init');
  if (!existsSync(join(directory, 'usr/lib/modules', survey.boot.kernel.version))) invalid(`it has no modules of the kernel ${survey.boot.kernel.version}`);
  const tree = FileTree.fromDirectory(directory, limit);
  for (const e of built.tree.entries()) if (e.type === 'file' && typeof e.source !== 'string' && /^\/etc\/recovery\/|^\/usr\/local\/bin\/menu$/.test(e.path)) tree.addData(e.path, e.source, e.mode, e.part);
  return { ...built, tree, parts: tree.parts(), warnings: [] };
}
