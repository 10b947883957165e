import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostName } from '@cdrec/survey';
import { CdrecError, errorCode } from '@cdrec/tool';

/** Who is making something: a process of a machine. */
export interface Claim {
  readonly host: string;
  /** Host name and machine-id(5), digested: the id itself is nobody's business. */
  readonly machine: string;
  /** This run of the kernel (proc(5), random/boot_id). */
  readonly boot: string;
  /** The PID namespace in which `pid` counts. */
  readonly space: string;
  readonly pid: number;
  /** When the process began, in ticks since the boot: PIDs are used again. */
  readonly ticks: string;
  readonly since: string;
}

/** `dead`: that process is gone; `alive`: it runs; `unknown`: it cannot be seen from here, or nothing legible is said of it. */
export type ClaimState = 'alive' | 'dead' | 'unknown';

/** What can be had of it; empty where it is not there. */
function read(path: string, how: (path: string) => string = (p) => readFileSync(p, 'utf8').trim()): string {
  try {
    return how(path);
  } catch {
    return '';
  }
}
/** Field 22 of proc(5), stat; the name before it may hold anything. */
const ticksOf = (pid: number): string => read(`/proc/${String(pid)}/stat`).split(') ').at(-1)?.split(' ')[19] ?? '';

function own(): Claim {
  const host = hostName();
  return {
    host, machine: createHash('sha256').update(`${host}\n${read('/etc/machine-id')}`).digest('hex').slice(0, 32), boot: read('/proc/sys/kernel/random/boot_id'),
    space: read('/proc/self/ns/pid', readlinkSync), pid: process.pid, ticks: ticksOf(process.pid), since: new Date().toISOString(),
  };
}

/** The file that says who makes what has this name while it is made. */
export const claimOf = (partial: string): string => partial.replace(/\.partial$/, '.lock');

/** Reads a claim and judges it; `undefined` where there is none. */
export function readClaim(lock: string): { readonly state: ClaimState; readonly claim: Partial<Claim> } | undefined {
  let claim: Partial<Claim> = {};
  try {
    claim = (JSON.parse(readFileSync(lock, 'utf8')) ?? {}) as Partial<Claim>;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  const me = own();
  if (claim.boot === me.boot && claim.space === me.space) return { state: ticksOf(claim.pid ?? 0) === claim.ticks ? 'alive' : 'dead', claim };
  // This machine, before it was started anew: nothing of that time runs any more.
  return { state: claim.boot !== me.boot && claim.machine === me.machine ? 'dead' : 'unknown', claim };
}

/**
 * Takes what will be made for this process alone: two builds of one label into one directory (of one machine, or of two into the same share) would write
 * into each other's files. `partial` is the path of the unfinished file or directory. Returns what gives it back. What a dead process of this machine left is taken over.
 * @throws CdrecError OUTPUT_BUSY; the file system's own errors
 */
export function claim(partial: string): () => void {
  const lock = claimOf(partial);
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(lock, JSON.stringify(own()), { flag: 'wx', mode: 0o600 });
      return () => { rmSync(lock, { force: true }); };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') {
        rmSync(lock, { force: true }); // of a full disk, empty
        throw error;
      }
    }
    const there = readClaim(lock);
    if (there === undefined) continue; // given back meanwhile
    if (there.state !== 'dead' || tries > 2) {
      const { host = 'somebody', pid, since } = there.claim;
      throw new CdrecError('OUTPUT_BUSY', `${host} makes the same thing at the same place${since === undefined ? '' : `, since ${since}`}${pid === undefined ? '' : ` (process ${String(pid)})`}: ${lock}`, { hint: `wait for it, or take another --label or --out; if that build is dead, run "cdrec clean" on ${host}, or remove the file` });
    }
    rmSync(lock, { force: true });
  }
}
