import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CommandEngine, shownLocation, type Engine, type Repository, type RepositorySet, type ResticEngine } from '@cdrec/engine';
import { DEFAULT_CONFIG, type Config } from '@cdrec/config';
import { CdrecError, errorCode } from '@cdrec/tool';
import { parseManifest, type Archive, type Finding, type OpenSet } from '@cdrec/volumes';
import { readConfig } from './config.js';
import { readAccess, rescueRepository, cacheDirectory, resticFor, tellTrouble, type SecretFlags } from './repository.js';
import { findSet } from './sets.js';
import { usageError } from './exit.js';
import type { Terminal } from './terminal.js';

/** Options that say which set of a repository is meant, and what opens it. */
export interface SourceFlags extends SecretFlags { readonly tape: readonly string[]; readonly repository?: string; readonly host?: string; readonly snapshot?: string }

/** A set, the devices it lies on, and the engine that keeps its file systems. */
export interface Source {
  readonly set: OpenSet;
  readonly places: readonly string[];
  readonly engine: Engine | undefined;
}

/** What a set in a repository is: the same texts as on a medium. */
interface SetDocument { readonly format: 1; readonly manifest: unknown; readonly survey: unknown }

/** Text of a set's document. */
export const formatDocument = (manifest: unknown, survey: unknown): string => JSON.stringify({ format: 1, manifest, survey } satisfies SetDocument);

/** A set without a medium: manifest and survey come from the repository. @throws CdrecError SET_INVALID */
export function setOfDocument(text: string, where: string): OpenSet {
  let document: SetDocument;
  try {
    document = JSON.parse(text) as SetDocument;
  } catch (error) {
    throw new CdrecError('SET_INVALID', `${where}: its document is not JSON`, { cause: error });
  }
  const manifest = parseManifest(JSON.stringify(document.manifest), where);
  const files: Readonly<Record<string, string>> = { 'cdrec/survey.json': JSON.stringify(document.survey), 'cdrec/set.json': JSON.stringify(manifest), 'Checksums.sfv': '' };
  const readFileOf = (file: string): Promise<Buffer> => (files[file] === undefined ? Promise.reject(new CdrecError('SET_INCOMPLETE', `${where} has no ${file}`)) : Promise.resolve(Buffer.from(files[file])));
  return {
    setId: manifest.setId, label: manifest.label, manifest, missing: [],
    volumes: new Map([[1, { path: where, manifest, read: () => { throw new CdrecError('SET_INCOMPLETE', `${where} has no volumes`); }, readFile: readFileOf, close: () => Promise.resolve() }]]),
    read: () => { throw new CdrecError('SET_INCOMPLETE', `${where} has no volumes`); },
    close: () => Promise.resolve(),
  };
}

/** A set whose archives are read from an engine where they lie there. */
const withEngine = (set: OpenSet, engine: Engine): OpenSet => ({ ...set, read: (archive: Archive) => (archive.snapshot === undefined ? set.read(archive) : engine.readStream(archive.snapshot)) });

/** The host that the boot server meant (`cdrec.host=` on the kernel's command line). */
const bootedHost = (): string | undefined => /\bcdrec\.host=(\S+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1];

/** The host whose network card this machine has; undefined: none, or more than one. */
function hostByCard(sets: readonly RepositorySet[]): string | undefined {
  const cards = readdirSync('/sys/class/net').map((n) => `/sys/class/net/${n}/address`).filter((f) => existsSync(f)).map((f) => readFileSync(f, 'utf8').trim().toLowerCase()).filter((m) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(m) && m !== '00:00:00:00:00:00');
  const hosts = new Set(sets.filter((s) => s.macs.some((m) => cards.includes(m))).map((s) => s.host));
  return hosts.size === 1 ? [...hosts][0] : undefined;
}

/** The configuration of a repository: of the command line, the rescue system, or this machine. */
function configOfRepository(location: string | undefined): Config['repository'] {
  const kept = rescueRepository();
  if (kept !== undefined) return { ...DEFAULT_CONFIG.repository, location: location ?? kept.location, ca_certificate: kept.caCertificate, patience: kept.patience };
  const configured = readConfig(undefined).repository;
  return location === undefined || location === configured.location ? configured : { ...configured, location };
}

/** Opens the repository that is meant. @throws CdrecError USAGE when none is */
export async function openRepository(flags: SecretFlags & { readonly repository?: string }, terminal: Terminal, config?: Config): Promise<ResticEngine> {
  const repository = config === undefined ? configOfRepository(flags.repository) : { ...config.repository, location: flags.repository ?? config.repository.location };
  if (repository.location === '') throw usageError('which repository?', 'give --repository LOCATION, or set repository.location');
  // A rescue system has only memory; elsewhere a cache makes all but the first look fast.
  const engine = resticFor(await readAccess(repository, terminal, flags), repository.patience, rescueRepository() === undefined ? cacheDirectory() : undefined);
  await engine.connect({ onTrouble: tellTrouble(terminal) });
  return engine;
}

/** A moment as people write it: 2026-11-28, 2026-11-28T05:00; a day means its end. @throws CdrecError USAGE */
function momentOf(text: string): number {
  const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59.999Z` : text);
  if (Number.isNaN(ms)) throw usageError(`--snapshot ${text}: no set has that id or label, and it is no date`, 'write latest, set (that of the medium), a label, or a date: 2026-11-28');
  return ms;
}

/** The set of a host that is meant: the newest, one by id or label, or the newest up to a date. @throws CdrecError SNAPSHOT_MISSING, USAGE */
export function chooseSet(sets: readonly RepositorySet[], host: string, which: string | undefined, where: string): RepositorySet {
  const own = sets.filter((s) => s.host === host);
  const hosts = [...new Set(sets.map((s) => s.host))].sort();
  if (own.length === 0) throw new CdrecError('SNAPSHOT_MISSING', `the repository ${where} has no set of ${host}`, { hint: hosts.length === 0 ? 'it has no sets at all' : `it has sets of ${hosts.slice(0, 20).join(', ')}${hosts.length > 20 ? ` and ${String(hosts.length - 20)} more` : ''}` });
  if (which === undefined || which === 'latest') return own[0] as RepositorySet;
  const named = own.find((s) => s.setId === which || s.label === which);
  if (named !== undefined) return named;
  const until = momentOf(which);
  const found = own.find((s) => Date.parse(s.created) <= until);
  if (found === undefined) throw new CdrecError('SNAPSHOT_MISSING', `the repository ${where} has no set of ${host} as old as ${which}`, { hint: `its oldest is of ${own.at(-1)?.created ?? ''}` });
  return found;
}

async function fromRepository(engine: Repository, host: string, which: string | undefined, where: string, terminal: Terminal): Promise<OpenSet> {
  const chosen = chooseSet((await engine.overview()).sets, host, which, where);
  terminal.say(`Set ${chosen.label} of ${host}, made ${chosen.created}, from the repository ${where}`);
  return withEngine(setOfDocument(await engine.readDocument(chosen), where), engine);
}

/**
 * Opens the set that is meant, wherever it lies: on volumes, tapes, or in a repository. A set of a repository that was found by
 * its medium is taken in its newest state, unless --snapshot says otherwise; with volumes, --repository says where the repository is
 * now. The repository has been reached when this returns.
 * @throws CdrecError
 */
export async function openSource(volumes: readonly string[], flags: SourceFlags, terminal: Terminal): Promise<Source> {
  const kept = rescueRepository();
  const asked = flags.repository !== undefined || flags.host !== undefined;
  const generic = async (): Promise<Source> => {
    const engine = await openRepository(flags, terminal);
    const where = shownLocation(engine.access.location);
    const { sets } = await engine.overview();
    const host = flags.host ?? bootedHost() ?? (kept?.host === '' ? undefined : kept?.host) ?? hostByCard(sets);
    if (host === undefined) {
      const hosts = [...new Set(sets.map((s) => s.host))].sort();
      throw usageError('which machine?', `give --host NAME: ${hosts.slice(0, 40).join(', ')}`);
    }
    return { set: await fromRepository(engine, host, flags.snapshot, where, terminal), places: [], engine };
  };
  if (asked && volumes.length === 0) return generic();
  if (flags.host !== undefined) throw usageError('volumes and --host do not go together', 'the volumes say which machine it is');
  const found = await findSet(volumes, { drives: flags.tape, terminal }).catch((error: unknown) => {
    // Started by the network, there is no medium: the rescue system itself knows where the sets are.
    if (kept?.engine === 'restic' && volumes.length === 0 && errorCode(error) === 'SET_NOT_FOUND') return undefined;
    throw error;
  });
  if (found === undefined) return generic();
  const { set, places } = found;
  const { repository } = set.manifest;
  if (repository === undefined) {
    for (const name of ['snapshot', 'repository'] as const) if (flags[name] !== undefined) throw usageError(`--${name}: the archives of this set are on its volumes`);
    return { set, places, engine: undefined };
  }
  if (repository.engine === 'command') {
    if (flags.repository !== undefined) throw usageError('--repository: the archives of this set are with a program of the administrator (restore.command)');
    const engine = new CommandEngine({ backup: '', restore: kept?.restoreCommand ?? readConfig(undefined).restore.command }, { setId: set.setId, host: set.manifest.host });
    return { set: withEngine(set, engine), places, engine };
  }
  const engine = await openRepository({ repository: repository.location, ...flags }, terminal);
  if (flags.snapshot === 'set' || flags.snapshot === set.setId) return { set: withEngine(set, engine), places, engine };
  const where = shownLocation(engine.access.location);
  const newest = await fromRepository(engine, set.manifest.host, flags.snapshot, where, terminal);
  if (newest.setId !== set.setId) terminal.say(`The medium is of ${set.manifest.created}; --snapshot set takes what it knows.`);
  return { set: newest, places, engine };
}

/** Reads back everything of a set that an engine keeps. `onBytes` is told how many bytes are done. */
export async function verifySnapshots(set: OpenSet, engine: Engine | undefined, onBytes: (done: number) => void, signal: AbortSignal | undefined, terminal: Terminal): Promise<Finding[]> {
  const references = set.manifest.archives.flatMap((a) => (a.snapshot === undefined ? [] : [a.snapshot]));
  if (references.length === 0 || engine === undefined) return [];
  const found = await engine.verify(references, { onBytes, onTrouble: tellTrouble(terminal), ...(signal === undefined ? {} : { signal }) });
  return found.map((problem) => ({ volume: set.label, file: '', problem }));
}
