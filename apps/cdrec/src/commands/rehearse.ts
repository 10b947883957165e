import { statSync } from 'node:fs';
import { parseSize } from '@cdrec/config';
import { isLocal, isRepository, ResticEngine, type Engine } from '@cdrec/engine';
import type { RehearsalRepository, RehearsalRequest } from '@cdrec/rehearse';
import { withContent } from '@cdrec/restore';
import { CdrecError } from '@cdrec/tool';
import type { OpenSet } from '@cdrec/volumes';
import { EXIT, usageError } from '../exit.js';
import { defaultMemory, readGiven, rehearsalDisks, reportPlace, runRehearsal } from '../rehearsal.js';
import { readSurveyOf } from '../restore-plan.js';
import type { SecretFlags } from '../repository.js';
import { findSet, requireComplete } from '../sets.js';
import { openSource } from '../source.js';
import { interruptSignal, type Terminal } from '../terminal.js';

interface Flags extends SecretFlags { disk: string[]; firmware?: string; smaller?: string; bus: string; memory?: string; report?: string; json?: boolean; keep?: boolean; sign?: string; luksKey?: string; identity?: string; inject?: string; patience?: string; work?: string }

const FIRMWARE = ['bios', 'uefi', 'secure-boot'];
const BUSES = ['virtio', 'virtio-scsi', 'ahci', 'nvme', 'scsi'];

function sizeOf(option: string, text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw usageError(`${option} ${text}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The console of the guest, one key away: `c` shows and hides what it prints. */
function consoleKey(terminal: Terminal): { onOutput: (text: string) => void; stop: () => void } {
  if (!terminal.interactive) return { onOutput: () => undefined, stop: () => undefined };
  let shown = false;
  terminal.say('Press c to see the guest\'s console, c again to hide it; Ctrl-C stops the rehearsal.');
  const onKey = (data: Buffer): void => {
    const key = data.toString('latin1');
    if (key === '\x03') process.kill(process.pid, 'SIGINT'); // raw mode hands it over as a character
    if (key === 'c') shown = !shown;
  };
  process.stdin.on('error', () => undefined); // a terminal that hung up cannot be set back
  process.stdin.setRawMode(true);
  process.stdin.on('data', onKey);
  process.stdin.resume();
  return {
    onOutput: (text) => { if (shown) process.stderr.write(text); },
    stop: () => {
      process.stdin.off('data', onKey);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    },
  };
}

async function isOfRepository(volumes: readonly string[]): Promise<boolean> {
  const { set } = await findSet(volumes);
  await set.close();
  return set.manifest.repository?.engine === 'restic';
}

/** How the guest reaches the repository: this machine's own addresses are 10.0.2.2 there. @throws CdrecError USAGE when it cannot */
function repositoryFor(set: OpenSet, engine: Engine | undefined): RehearsalRepository | undefined {
  const { repository, host } = set.manifest;
  if (repository === undefined) return undefined;
  if (!(engine instanceof ResticEngine)) return { arguments: [], password: '', environment: {} };
  if (isLocal(engine.access.location)) throw usageError(`the repository is the directory ${engine.access.location} of this machine, which a guest cannot see`, 'rehearse with a repository behind a server: rest:, sftp:, s3:');
  const location = engine.access.location.replace(/(\/\/|@|^sftp:)(localhost|127\.0\.0\.1|\[::1\])(?=[:/])/, (_, before: string) => `${before}10.0.2.2`);
  return { arguments: ['--repository', location, '--host', host, '--snapshot', set.setId], password: engine.access.password, environment: engine.access.environment, ...(engine.access.sshKey === undefined ? {} : { sshKey: readGiven('--ssh-key', engine.access.sshKey) }) };
}

/** `--disk`: a size, in the order of the machine's disks or by their names, or the name of another one with which a disk shares a new one. @throws CdrecError USAGE */
function wishedDisks(texts: readonly string[], used: readonly string[]): { given: Map<string, number>; together: Map<string, string> } {
  const [given, together] = [new Map<string, number>(), new Map<string, string>()];
  for (const [i, text] of texts.entries()) {
    const [a, b] = text.split('=');
    const device = b === undefined ? used[i] : a;
    const value = (b ?? a) as string;
    if (device === undefined || !used.includes(device)) throw usageError(`--disk ${text}: the machine had ${used.join(', ')}`);
    if (value === device || (value.startsWith('/dev/') && !used.includes(value)) || together.has(value) || (used.includes(value) && [...together.values()].includes(device))) throw usageError(`--disk ${text}: a size, or another disk of ${used.join(', ')} that has a new one of its own`);
    if (used.includes(value)) together.set(device, value);
    else given.set(device, sizeOf('--disk', value));
  }
  return { given, together };
}

/** `cdrec rehearse`: the proof that a set brings the machine back. */
export async function rehearse([volumes]: [string[]], flags: Flags, terminal: Terminal): Promise<number> {
  if (flags.firmware !== undefined && !FIRMWARE.includes(flags.firmware)) throw usageError(`--firmware ${flags.firmware}: ${FIRMWARE.join(', ')}`);
  if (!BUSES.includes(flags.bus)) throw usageError(`--bus ${flags.bus}: ${BUSES.join(', ')}`);
  const smaller = flags.smaller === undefined ? 0 : Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(flags.smaller)?.[1] ?? NaN) / 100;
  if (!(smaller >= 0 && smaller < 1)) throw usageError(`--smaller ${String(flags.smaller)}: a share from 0 to 99 %`);
  // What is rehearsed is what this medium knows: its own state in the repository.
  const { set, engine } = await openSource(volumes, { ...flags, tape: [], ...(await isOfRepository(volumes) ? { snapshot: 'set' } : {}) }, terminal);
  const interrupt = interruptSignal('nothing is left behind; the set is as it was');
  const keys = consoleKey(terminal);
  try {
    requireComplete(set);
    const { mode } = set.manifest;
    if (mode !== 'iso' && mode !== 'path' && mode !== 'repository') throw usageError(`a set of mode "${mode}" cannot be rehearsed`, 'sets of ISO volumes, directories (--mode path) and repositories can');
    const repository = repositoryFor(set, engine);
    if (mode !== 'path') for (const v of set.volumes.values()) if (!statSync(v.path).isFile()) throw usageError(`${v.path} is no file: rehearsals need the ISO files of the set`);
    const survey = await readSurveyOf(set);
    const { given, together } = wishedDisks(flags.disk, survey.disks.filter((d) => d.used).map((d) => d.device));
    const encryptedSet = set.manifest.archives.some((a) => a.encrypt !== undefined);
    if (encryptedSet && flags.identity === undefined) throw usageError('the set is encrypted', 'give its secret key: --identity FILE');
    const kept = set.manifest.archives.some((a) => a.kind === 'luks-header');
    if (kept && flags.luksKey === undefined) throw usageError('the set keeps the headers of encrypted volumes', 'give a passphrase that opens them: --luks-key FILE');
    const memory = flags.memory === undefined ? defaultMemory() : Math.floor(sizeOf('--memory', flags.memory) / 2 ** 20);
    const firmware = (flags.firmware ?? (survey.boot.firmware === 'bios' ? 'bios' : survey.boot.secureBoot ? 'secure-boot' : 'uefi')) as RehearsalRequest['firmware'];
    const patience = flags.patience === undefined ? undefined : Number(flags.patience);
    if (patience !== undefined && !(patience > 0)) throw usageError(`--patience ${String(flags.patience)}: seconds`);
    const report = flags.report ?? reportPlace(set);
    const file = await runRehearsal({
      set, engine, repository, survey, disks: rehearsalDisks(withContent(survey, set.manifest.archives), given, smaller, together), firmware, bus: (flags.bus === 'scsi' ? 'virtio-scsi' : flags.bus) as RehearsalRequest['bus'], memoryMiB: memory, report, keep: flags.keep === true, signal: interrupt.signal, onOutput: keys.onOutput,
      signKey: flags.sign === undefined ? undefined : readGiven('--sign', flags.sign), luksPassphrase: flags.luksKey === undefined ? undefined : readGiven('--luks-key', flags.luksKey).replace(/\n$/, ''), identity: flags.identity === undefined ? undefined : readGiven('--identity', flags.identity),
      more: flags.inject === undefined ? undefined : readGiven('--inject', flags.inject), patience, work: flags.work,
    }, terminal);
    if (engine !== undefined && isRepository(engine)) await engine.saveFact({ host: survey.host.name, setId: set.setId, kind: 'rehearsal', value: file.verdict }).catch((error: unknown) => { terminal.say(`  warning: the repository was not told: ${error instanceof Error ? error.message : String(error)}`); });
    const failed = file.stages.find((s) => s.verdict === 'FAIL');
    if (flags.json === true) terminal.print(JSON.stringify(file));
    else terminal.print(`${file.verdict}  ${failed === undefined ? `${set.label} brings ${survey.host.name} back: ${String(file.checkedFiles)} files equal, the restored disks boot` : `${failed.title}: ${failed.reason}`}`);
    terminal.say(`Report: ${report}/rehearsal.html`);
    return file.verdict === 'PASS' ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (interrupt.signal.aborted && !(error instanceof CdrecError)) throw new CdrecError('INTERRUPTED', 'interrupted: nothing was left behind', { cause: error });
    throw error;
  } finally {
    keys.stop();
    interrupt.stop();
    await set.close();
  }
}
