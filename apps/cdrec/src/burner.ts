import { createReadStream, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { burnDisc, moveTray, readDisc, verifyDevice, type BurnProgram, type Disc } from '@cdrec/burn';
import { CdrecError, errorCode } from '@cdrec/tool';
import { formatBytes, searchPath, type Terminal } from './terminal.js';

/** Where and how discs are burned. */
export interface BurnerOptions {
  readonly drive: string;
  readonly program: BurnProgram | 'auto';
  readonly speed: number;
  /** Rewritable discs with content are blanked without a question. */
  readonly erase: boolean;
}

/** What a new disc may help against. */
const DISC_ERRORS = new Set(['BURN_NO_DISC', 'BURN_NOT_BLANK', 'BURN_TOO_SMALL', 'BURN_FAILED', 'BURN_VERIFY', 'EIO']);

/** Burns volumes one after another and compares each; asks for discs until one is right. */
export class Burner {
  readonly #o: BurnerOptions;
  readonly #terminal: Terminal;
  #burned = 0;

  /** @throws CdrecError USAGE without a terminal: discs must be changed by somebody */
  constructor(options: BurnerOptions, terminal: Terminal) {
    if (!terminal.interactive) throw new CdrecError('USAGE', 'discs are burned only on a terminal: somebody must change them', { hint: 'make ISO files (--mode iso) and burn them later with "cdrec burn --disc"' });
    this.#o = options;
    this.#terminal = terminal;
  }

  /** Burns one image; returns when a disc holds it, proved by reading it back. @throws CdrecError INTERRUPTED, TOOL_MISSING, BURN_DRIVE */
  async burn(image: string, label: string, signal: AbortSignal): Promise<void> {
    const { drive } = this.#o;
    let ask = this.#burned > 0;
    for (;;) {
      signal.throwIfAborted();
      if (ask) await this.#terminal.ask(`Insert a blank disc for ${label} into ${drive} and press Enter: `, 'a terminal');
      ask = true;
      try {
        await this.#attempt(image, label, signal);
        this.#burned++;
        await moveTray(drive, 'eject');
        this.#terminal.say(`Write on the disc: ${label}`);
        return;
      } catch (error) {
        if (!DISC_ERRORS.has(errorCode(error) ?? '') || signal.aborted) throw error;
        this.#terminal.say(`${label} is not on a disc yet: ${error instanceof Error ? error.message : String(error)}`);
        await moveTray(drive, 'eject');
      }
    }
  }

  async #attempt(image: string, label: string, signal: AbortSignal): Promise<void> {
    const { drive, program, speed, erase } = this.#o;
    const disc = await this.#settled(drive);
    if (disc.rewritable && disc.state !== 'blank' && disc.state !== 'none' && !erase) {
      const answer = await this.#terminal.ask(`The ${disc.profile} in ${drive} holds data. Type "erase" to overwrite it, or Enter for another disc: `, '--erase');
      if (answer !== 'erase') throw new CdrecError('BURN_NOT_BLANK', `the ${disc.profile} was not erased`);
    }
    const { size } = statSync(image);
    this.#terminal.say(`Burning ${label}: ${formatBytes(size)} onto ${disc.profile}`);
    const started = Date.now();
    await burnDisc(image, drive, { program, speed, path: searchPath(), signal });
    this.#terminal.say(`  burned in ${String(Math.round((Date.now() - started) / 1000))} s`);
    // Out and in: what is compared must come from the disc. A drive without a motor keeps it, and has its cache flushed.
    await moveTray(drive, 'eject');
    await moveTray(drive, 'load');
    await this.#ready(drive);
    const meter = this.#terminal.progress('  reading back', size);
    await verifyDevice(image, drive, await sha256(image), { signal, onBytes: (_, n) => { meter.add(n); } });
    meter.done();
  }

  /** What is in the drive; a disc that was put in a moment ago needs some seconds to be recognised. */
  async #settled(drive: string): Promise<Disc> {
    for (let tries = 0; ; tries++) {
      const disc = await readDisc(drive);
      if (disc.state !== 'none' || tries === 5) return disc;
      await sleep(1000);
    }
  }

  async #ready(drive: string): Promise<void> {
    for (let tries = 0; tries < 60; tries++) {
      if ((await readDisc(drive)).state !== 'none') return;
      await sleep(1000);
    }
    await this.#terminal.ask(`Close the tray of ${drive} and press Enter: `, 'a terminal');
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
