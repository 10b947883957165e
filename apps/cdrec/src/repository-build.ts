import { CommandEngine, shownLocation, type Access, type Engine } from '@cdrec/engine';
import type { Config } from '@cdrec/config';
import type { Survey } from '@cdrec/survey';
import { CdrecError, errorCode } from '@cdrec/tool';
import type { Archive, Manifest } from '@cdrec/volumes';
import { planArchives, rulesFor, writeArchives } from './archives.js';
import { identityOf, surveyMachine, type RescueRequest } from './rescue-parts.js';
import { formatDocument } from './source.js';
import { engineStore } from './stores.js';
import { cacheDirectory, readAccess, resticFor, tellTrouble } from './repository.js';
import { interruptSignal, type Terminal } from './terminal.js';

/** The engine of a build, reached and ready. */
export interface Backing {
  readonly named: NonNullable<Manifest['repository']>;
  /** How a person gets at the files without cdrec. */
  readonly byHand: string;
  engine(facts: { readonly setId: string; readonly host: string }): Engine;
  readonly access: Access | undefined;
  /** Tells the repository that the set is complete. */
  complete(facts: { readonly setId: string; readonly label: string; readonly host: string; readonly macs: readonly string[] }, document: string): Promise<void>;
}

/** By which boot servers, and rescue systems that were started by them, know a machine. */
export const macsOf = (survey: Survey): string[] => survey.network.map((n) => n.mac.toLowerCase()).filter((m) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(m));

/**
 * Reaches the engine that is configured, and makes its repository if that was asked for.
 * @throws CdrecError CONFIG_INVALID, REPOSITORY_*, TOOL_MISSING, TOOL_OLD
 */
export async function connectForBuild(config: Config, initialize: boolean, terminal: Terminal, signal: AbortSignal): Promise<Backing> {
  const { backup, repository, restore } = config;
  if (backup.engine === 'tar') throw new CdrecError('USAGE', '--mode repository needs backup.engine = "restic" or "command" in the configuration', { hint: 'set backup.engine and repository.location' });
  if (backup.engine === 'command') {
    return {
      named: { engine: 'command', location: '' },
      byHand: 'the backups were made by the command in backup.command of the configuration; restore.command brings them back.',
      engine: (facts) => new CommandEngine({ backup: backup.command, restore: restore.command }, facts),
      access: undefined,
      complete: () => Promise.resolve(),
    };
  }
  const access = await readAccess(repository, terminal);
  const where = shownLocation(repository.location);
  const engine = resticFor(access, repository.patience, cacheDirectory());
  const hooks = { signal, onTrouble: tellTrouble(terminal) };
  terminal.say(`Repository ${where}`);
  await engine.connect(hooks).catch(async (error: unknown) => {
    if (errorCode(error) !== 'REPOSITORY_MISSING' || !initialize) throw error;
    terminal.say('  it is not there yet, and is made');
    await engine.initialize(hooks);
  });
  return {
    named: { engine: 'restic', location: repository.location },
    byHand: `the file systems are snapshots of restic in ${where}:\n  restic -r ${where} snapshots    restic -r ${where} restore SNAPSHOT --target DIRECTORY`,
    engine: () => engine,
    access,
    complete: (facts, document) => engine.saveDocument(facts, document),
  };
}

/** The manifest of a set whose archives lie with an engine. `created` in milliseconds since 1970. */
export function manifestOf(head: { readonly setId: string; readonly label: string; readonly created: number; readonly host: string }, repository: NonNullable<Manifest['repository']>, archives: readonly Archive[]): Manifest {
  return { format: 1, ...head, created: new Date(head.created).toISOString(), mode: 'repository', repository, volume: 1, last: true, archives: [...archives] };
}

/** Sends the backups to the repository and makes no medium. Returns the set's id, the bytes that were added, and the exceptions. */
export async function buildSnapshots(request: RescueRequest & { readonly initialize: boolean }, terminal: Terminal): Promise<{ setId: string; bytes: number; exceptions: string[] }> {
  const { config, date } = request;
  const interrupt = interruptSignal('the repository has no set of this build; its snapshots share what the next one needs');
  try {
    const backing = await connectForBuild(config, request.initialize, terminal, interrupt.signal);
    if (backing.named.engine === 'command') throw new CdrecError('USAGE', '--no-medium needs backup.engine = "restic": what the command prints must stand on a medium');
    terminal.say('Survey of the machine');
    const survey = await surveyMachine(request);
    const { label, setId } = identityOf(request, survey);
    const host = survey.host.name;
    const archives: Archive[] = [];
    const store = engineStore(backing.engine({ setId, host }), { setId, label, host, rules: rulesFor({ config, out: request.out, label: request.label }, survey) }, (a) => { archives.push(a); }, terminal, interrupt.signal);
    const exceptions = await writeArchives(store, planArchives(survey, request, []), survey, config, terminal, interrupt.signal);
    await backing.complete({ setId, label, host, macs: macsOf(survey) }, formatDocument(manifestOf({ setId, label, created: date, host }, backing.named, archives), survey));
    return { setId, bytes: archives.reduce((n, a) => n + a.bytes, 0), exceptions };
  } finally {
    interrupt.stop();
  }
}
