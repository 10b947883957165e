import { readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CdrecError } from '@cdrec/tool';

const PROMPT = '(qemu) ';

/** Keys as QEMU's monitor calls them (QEMU documentation, "HMP: sendkey"). */
function keyOf(character: string): string {
  if (/[a-z0-9]/.test(character)) return character;
  const named: Record<string, string> = { '\n': 'ret', ' ': 'spc', '-': 'minus', '.': 'dot', '/': 'slash', ',': 'comma' };
  const key = /[A-Z]/.test(character) ? `shift-${character.toLowerCase()}` : named[character];
  if (key === undefined) throw new CdrecError('GUEST_KEY', `"${character}" cannot be typed by the monitor`);
  return key;
}

/** QEMU's human monitor at a socket: what is on the screen, and keys of the keyboard. */
export class Monitor {
  readonly #socket: Socket;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => { this.#text += String(chunk); });
    socket.on('error', () => undefined); // the guest has ended: the next command says so
  }

  /** Connects; the socket may take a moment to appear. @throws CdrecError GUEST_ENDED */
  static async open(path: string): Promise<Monitor> {
    for (let tries = 0; tries < 50; tries++) {
      const socket = await new Promise<Socket | undefined>((resolve) => {
        const s = connect(path, () => { resolve(s); });
        s.once('error', () => { resolve(undefined); });
      });
      if (socket !== undefined) {
        const monitor = new Monitor(socket);
        await monitor.#prompt();
        return monitor;
      }
      await sleep(100);
    }
    throw new CdrecError('GUEST_ENDED', `QEMU's monitor at ${path} does not answer`);
  }

  async #prompt(): Promise<string> {
    for (let tries = 0; tries < 100; tries++) {
      const end = this.#text.indexOf(PROMPT);
      if (end >= 0) {
        const said = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + PROMPT.length);
        return said;
      }
      if (this.#socket.destroyed) break;
      await sleep(50);
    }
    throw new CdrecError('GUEST_ENDED', 'QEMU\'s monitor does not answer: the guest has ended');
  }

  /** Gives a command and waits for its end. @throws CdrecError GUEST_ENDED */
  async command(text: string): Promise<string> {
    this.#socket.write(`${text}\n`);
    return this.#prompt();
  }

  /** The screen as a PNG (QEMU 7.1 and later), or undefined. `file`: a path that is free to use. */
  async screenshot(file: string): Promise<Buffer | undefined> {
    try {
      await this.command(`screendump "${file}" -f png`);
      return readFileSync(file);
    } catch {
      return undefined; // an older QEMU, or no screen
    } finally {
      rmSync(file, { force: true });
    }
  }

  /** What stands on a screen in text mode: 25 lines of 80 characters at 0xb8000, each with its attribute. Graphics give nothing of use. */
  async textScreen(file: string): Promise<string> {
    try {
      await this.command(`pmemsave 0xb8000 4000 "${file}"`);
      const bytes = readFileSync(file);
      const cells = Array.from({ length: 2000 }, (_, i) => bytes[2 * i] ?? 32);
      if (cells.filter((c) => c === 0 || (c >= 32 && c < 127)).length < 1800) return '';
      const text = Buffer.from(cells.map((c) => (c === 0 ? 32 : c))).toString('latin1');
      return Array.from({ length: 25 }, (_, i) => text.slice(80 * i, 80 * i + 80).trimEnd()).join('\n').trimEnd();
    } catch {
      return '';
    } finally {
      rmSync(file, { force: true });
    }
  }

  /** Types on the guest's keyboard. */
  async type(text: string): Promise<void> {
    for (const character of text) await this.command(`sendkey ${keyOf(character)}`);
  }

  close(): void {
    this.#socket.destroy();
  }
}
