import { spawn } from 'node:child_process';
import { CdrecError } from './errors.js';

/** How a command of the administrator is run. */
export interface HookOptions {
  /** Environment besides this process's own. */
  readonly env?: Record<string, string>;
  /** Ends the command, and what it has started. */
  readonly signal?: AbortSignal;
  /** Descriptor that gets what it says; default: standard error. */
  readonly output?: number;
}

/**
 * Runs a command line of the administrator by bash and waits for it, and only for it: services that it starts in the background may live on, and may hold
 * what they were given as output as long as they like. It has no input, and the locale of the machine.
 * @throws CdrecError TOOL_FAILED with its status, INTERRUPTED
 */
export async function runHook(command: string, { env = {}, signal, output = 2 }: HookOptions = {}): Promise<void> {
  const isAborted = (): boolean => signal?.aborted === true;
  if (isAborted()) throw new CdrecError('INTERRUPTED', 'interrupted');
  // A process group of its own, which one signal ends as a whole. Not execa: it takes no descriptor, and would wait for whoever holds a pipe.
  const child = spawn('env', [...Object.entries(env).map(([k, v]) => `${k}=${v}`), 'bash', '-c', command], { stdio: ['ignore', output, output], detached: true });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch {
      return; // ended already
    }
  };
  signal?.addEventListener('abort', stop, { once: true });
  const how = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => { resolve(`could not be run: ${error.message}`); });
    child.on('exit', (status, by) => { resolve(status === 0 ? undefined : status !== null ? `ended with status ${String(status)}` : `was ended by ${String(by)}`); });
  });
  signal?.removeEventListener('abort', stop);
  if (isAborted()) throw new CdrecError('INTERRUPTED', `interrupted while running "${command}"`);
  if (how !== undefined) throw new CdrecError('TOOL_FAILED', `"${command}" ${how}`);
}
