import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Engine } from '@cdrec/engine';
import { chooseAccelerator, rehearse, REHEARSAL_VERSION, signRehearsal, STAGES, type RehearsalDisk, type RehearsalFile, type RehearsalRepository, type RehearsalRequest, type RehearsalResult, type Stage } from '@cdrec/rehearse';
import { recoverySheet, rehearsalPage, type MapDisk } from '@cdrec/report';
import { disksUnder, fitSurvey, joinDisks, leastDiskBytes } from '@cdrec/restore';
import type { Disk, Survey } from '@cdrec/survey';
import { CdrecError, errorCode, runTool } from '@cdrec/tool';
import { verifySet, type OpenSet } from '@cdrec/volumes';
import { mapOf, sheetOf } from './pages.js';
import { verifySnapshots } from './source.js';
import type { Terminal } from './terminal.js';
import { VERSION } from './version.js';

/** What `cdrec rehearse` is to do. */
export interface RehearsalWish {
  readonly set: OpenSet;
  /** What keeps the archives, and how the guest reaches it. */
  readonly engine?: Engine | undefined;
  readonly repository?: RehearsalRepository | undefined;
  readonly survey: Survey;
  readonly disks: readonly RehearsalDisk[];
  readonly firmware: RehearsalRequest['firmware'];
  readonly bus: RehearsalRequest['bus'];
  readonly memoryMiB: number;
  readonly report: string;
  readonly keep: boolean;
  readonly signKey: string | undefined;
  readonly luksPassphrase: string | undefined;
  readonly identity: string | undefined;
  readonly more: string | undefined;
  readonly patience: number | undefined;
  readonly work: string | undefined;
  readonly signal: AbortSignal;
  readonly onOutput: (text: string) => void;
}

/** Memory of the virtual machine when nobody says: 2 GiB, or what half of the free memory allows. */
export const defaultMemory = (): number => Math.max(768, Math.min(2048, Math.floor(freemem() / 2 ** 21)));

/** The disk that the firmware starts from. */
function bootDisk(survey: Survey): string {
  const used = survey.disks.filter((d) => d.used).map((d) => d.device);
  for (const l of survey.boot.loaders) {
    const esp = l.type === 'efi' ? survey.fileSystems.find((f) => f.mount === l.mount) : undefined;
    const [disk] = l.type === 'efi' ? (esp === undefined ? [] : disksUnder(survey, esp.device)) : [l.disk];
    if (disk !== undefined && used.includes(disk)) return disk;
  }
  return used[0] ?? '';
}

/** The machine with those of its disks made one that are rehearsed on one. */
const joinedBy = (survey: Survey, disks: readonly RehearsalDisk[]): ReturnType<typeof joinDisks> => joinDisks(survey, new Map(disks.flatMap((d) => [d.source, ...(d.others ?? [])].map((name): [string, string] => [name, d.source]))));

/**
 * Sizes of the blank disks: as given, or as they were, or smaller by a share, never below what is used. `together`: disks that go onto that
 * of another one, by names of the survey.
 * @throws CdrecError USAGE
 */
export function rehearsalDisks(original: Survey, given: ReadonlyMap<string, number>, smaller: number, together: ReadonlyMap<string, string> = new Map()): RehearsalDisk[] {
  const used = original.disks.filter((d) => d.used);
  const { survey, others } = joinDisks(original, new Map(used.map((d) => [d.device, together.get(d.device) ?? d.device])));
  return survey.disks.filter((d) => d.used).map((d) => {
    const group = [d.device, ...(others.get(d.device) ?? []).map((o) => o.device)];
    const had = used.filter((o) => group.includes(o.device)).reduce((n, o) => n + o.bytes, 0);
    // Partitions begin at full MiB, and the table may be a larger one.
    const bytes = group.map((name) => given.get(name)).find((n) => n !== undefined) ?? Math.floor((had * (1 - smaller)) / 2 ** 20 + (group.length > 1 && smaller === 0 ? 16 : 0)) * 2 ** 20;
    const least = leastDiskBytes(survey, d);
    if (bytes < least) throw new CdrecError('USAGE', `a disk of ${String(bytes)} bytes is too small for what is used on ${group.join(' and ')} by ${String(least - bytes)} bytes`, { hint: `give at least ${String(Math.ceil(least / 2 ** 20))}M` });
    return { source: d.device, bytes, ...(group.length > 1 ? { others: group.slice(1) } : {}) };
  });
}

/** SHA-256 of a file, in hexadecimal. */
export async function sha256OfFile(path: string, onBytes: (bytes: number) => void = () => undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  return hash.digest('hex');
}

/** The first stage, on this side: every file of the set, and the digests of its volumes. */
async function verifyStage({ set, engine, signal }: RehearsalWish, volumes: readonly string[], terminal: Terminal): Promise<{ stage: Stage; digests: string[] }> {
  const started = Date.now();
  const meter = terminal.progress('Verifying the set', volumes.reduce((n, v) => n + statSync(v).size, 0));
  const [found, ...digests] = await Promise.all([verifySet(set, meter.add), ...volumes.map((v) => sha256OfFile(v))]);
  const findings = [...found, ...(await verifySnapshots(set, engine, () => undefined, signal, terminal))];
  meter.done();
  const reason = findings.map((f) => `${[f.volume, f.file].filter((t) => t !== '').join(', ')}: ${f.problem}`).join('; ');
  return { stage: { id: 'verify', title: STAGES.verify, seconds: (Date.now() - started) / 1000, verdict: findings.length === 0 ? 'PASS' : 'FAIL', reason }, digests };
}

async function qemuVersion(): Promise<string> {
  return /version (\S+)/.exec((await runTool('qemu-system-x86_64', ['--version'])).stdout)?.[1] ?? '';
}

/** Writes a file so that it is never seen half. */
function writeWhole(path: string, data: string): void {
  writeFileSync(`${path}.partial`, data);
  renameSync(`${path}.partial`, path);
}

/** Rehearses a set and writes rehearsal.json, rehearsal.html (and rehearsal.json.sig) into the report directory. */
export async function runRehearsal(w: RehearsalWish, terminal: Terminal): Promise<RehearsalFile> {
  const { set, survey } = w;
  const setDirectory = set.manifest.mode === 'path' ? resolve(set.volumes.get(1)?.path ?? '.') : undefined;
  const volumes = setDirectory === undefined ? [...set.volumes].sort(([a], [b]) => a - b).map(([, v]) => v.path) : [join(setDirectory, `${set.label}_1.iso`)];
  if (w.signKey !== undefined) signRehearsal('', w.signKey); // a key that does not work is told before the work
  const created = new Date().toISOString();
  const machine = joinedBy(survey, w.disks).survey;
  const accelerator = await chooseAccelerator();
  terminal.say(`The virtual machine runs by ${accelerator === 'kvm' ? 'KVM' : 'emulation (TCG): /dev/kvm is missing, not permitted, or does not run a guest'}`);
  const { stage, digests } = await verifyStage(w, volumes, terminal);
  say(stage, terminal);
  const directory = w.work ?? mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'cdrec-rehearsal-'));
  let result: RehearsalResult;
  try {
    result = await rehearse({
      volumes, ...(setDirectory === undefined ? {} : { setDirectory }), disks: w.disks, bootDisk: bootDisk(machine), firmware: w.firmware, bus: w.bus, memoryMiB: w.memoryMiB, accelerator, directory, contentBytes: set.manifest.archives.reduce((n, a) => n + a.contentBytes, 0),
      encrypted: survey.layers.some((l) => l.type === 'luks'), keep: w.keep, signal: w.signal, onOutput: w.onOutput, onStage: (s) => { say(s, terminal); },
      ...(w.luksPassphrase === undefined ? {} : { luksPassphrase: w.luksPassphrase }), ...(w.identity === undefined ? {} : { identity: w.identity }), ...(w.repository === undefined ? {} : { repository: w.repository }), ...(w.more === undefined ? {} : { more: w.more }), ...(w.patience === undefined ? {} : { patience: w.patience }),
    }, [stage]);
  } finally {
    if (w.keep) terminal.say(`Kept: ${directory}`);
    else if (w.work === undefined) rmSync(directory, { recursive: true, force: true });
  }
  const named = volumes.map((v, i) => ({ name: basename(v), bytes: statSync(v).size, sha256: digests[i] as string }));
  const programs = { cdrec: VERSION, qemu: await qemuVersion(), node: process.version };
  const { system, ...rest } = result;
  const file: RehearsalFile = {
    version: REHEARSAL_VERSION, created, verdict: rest.verdict, set: { id: set.setId, label: set.label, host: survey.host.name, created: set.manifest.created, volumes: named },
    machine: { accelerator, firmware: w.firmware, bus: w.bus, memoryMiB: w.memoryMiB, disks: w.disks.map(({ others, ...d }) => ({ ...d, ...(others === undefined ? {} : { others: [...others] }), sourceBytes: survey.disks.find((s) => s.device === d.source)?.bytes ?? 0 })) },
    programs, stages: rest.stages.map((s) => ({ ...s, seconds: Math.round(s.seconds * 10) / 10 })), checkedFiles: rest.checkedFiles, differences: [...rest.differences], remarks: [...rest.remarks], injected: [...rest.injected],
    ...(system === undefined ? {} : { system: { state: system.state, target: system.target, kernel: system.kernel, failedUnits: [...system.failedUnits], retriedUnits: [...system.retriedUnits], mounted: [...system.mounted], missing: [...system.missing], ...(system.swap === undefined ? {} : { swap: system.swap }) } }),
  };
  mkdirSync(w.report, { recursive: true });
  const text = JSON.stringify(file, null, 1) + '\n';
  writeWhole(join(w.report, 'rehearsal.html'), rehearsalPage({ ...file, ...result, host: survey.host.name, label: set.label, setId: set.setId, memoryMiB: w.memoryMiB, versions: programs, volumes: named, maps: maps(machine, w.disks) }));
  writeWhole(join(w.report, 'rehearsal.json'), text);
  renewSheet(w, volumes, file);
  if (w.signKey !== undefined) writeWhole(join(w.report, 'rehearsal.json.sig'), `${signRehearsal(text, w.signKey)}\n`);
  return file;
}

/** The sheet beside the set says when it was rehearsed, where the one who rehearses may write it; that on volume 1 stays as it is. */
function renewSheet({ set, survey }: RehearsalWish, volumes: readonly string[], file: RehearsalFile): void {
  const sheet = join(dirname(volumes[0] ?? ''), `${set.label}.html`);
  if (!existsSync(sheet)) return;
  const { mode, created, archives } = set.manifest;
  try {
    writeWhole(sheet, recoverySheet(sheetOf({ survey, label: set.label, setId: set.setId, created, mode, archives, volumes: volumes.map((v) => basename(v)), rehearsed: { created: file.created, verdict: file.verdict } })));
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(errorCode(error) ?? '')) throw error;
  }
}

function maps(survey: Survey, disks: readonly RehearsalDisk[]): { before: MapDisk; after: MapDisk }[] {
  const assignments = disks.map((d) => {
    const source = survey.disks.find((s) => s.device === d.source) as Disk;
    return { source, rule: 'named by you' as const, target: { device: d.source, bytes: d.bytes, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } };
  });
  const fitted = fitSurvey(survey, assignments, false).survey;
  return assignments.map(({ source, target }) => ({ before: mapOf(survey, survey, source.device, source.bytes), after: mapOf(survey, fitted, source.device, target.bytes) }));
}

function say(s: Stage | { readonly title: string }, terminal: Terminal): void {
  if ('verdict' in s) terminal.say(`  ${s.verdict}  ${s.title} (${String(Math.round(s.seconds))} s)${s.reason === '' ? '' : `: ${s.reason}`}`);
  else terminal.say(`${s.title} ...`);
}

/** Where the report of a set lies when nobody says: beside its first volume. */
export const reportPlace = (set: OpenSet): string => join(dirname(set.volumes.get(1)?.path ?? '.'), `${set.label}-rehearsal`);

/** Reads a file that the person named. @throws CdrecError USAGE */
export function readGiven(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CdrecError('USAGE', `${option} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
