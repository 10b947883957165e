import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { readBurnTarget, writeImageToDevice } from '@cdrec/burn';
import { CdrecError } from '@cdrec/tool';
import { EXIT, usageError } from '../exit.js';
import { Burner } from '../burner.js';
import { configOf } from '../config.js';
import { formatBytes, interruptSignal, type Terminal } from '../terminal.js';

interface Flags { usb?: string; disc?: string; erase?: boolean; config?: string; overwrite?: string; json?: boolean }

/** Swap areas in use, as device paths. */
const activeSwaps = (): string[] => readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).map((l) => l.split(/\s+/)[0] as string).filter((p) => p.startsWith('/dev/')).map((p) => { try { return realpathSync(p); } catch { return p; } });

/** Burns every image onto a disc of its own; the label of a volume is in its file's name. */
async function burnDiscs(images: readonly string[], drive: string, flags: Flags, terminal: Terminal): Promise<void> {
  const { output } = configOf(flags);
  const burner = new Burner({ drive, program: output.burn_program, speed: output.burn_speed, erase: flags.erase === true }, terminal);
  const interrupt = interruptSignal('the stick or disc is not complete: write it again');
  try {
    for (const image of images) await burner.burn(image, basename(image, '.iso'), interrupt.signal);
  } finally {
    interrupt.stop();
  }
  terminal.print(`${String(images.length)} disc${images.length === 1 ? '' : 's'} burned and compared`);
}

/** `cdrec burn`: images onto a stick or onto discs, read back and compared. */
export async function burn([images]: [string[]], flags: Flags, terminal: Terminal): Promise<number> {
  const [image = ''] = images;
  if ((flags.usb === undefined) === (flags.disc === undefined)) throw usageError('name one of --usb DEVICE and --disc DRIVE');
  if (process.getuid?.() !== 0) throw usageError('cdrec burn must be run as root: it writes to a device');
  for (const i of images) if (!statSync(i).isFile()) throw usageError(`${i} is not a file`);
  if (flags.disc !== undefined) {
    await burnDiscs(images, flags.disc, flags, terminal);
    return EXIT.ok;
  }
  if (images.length > 1) throw usageError('a stick takes one image');
  const usb = flags.usb as string;
  const target = await readBurnTarget(usb, activeSwaps());
  const about = `${target.device}: ${formatBytes(target.bytes)}, ${target.model || 'no model'}, serial ${target.serial || 'none'}`;
  if (target.refusal !== undefined) throw new CdrecError('BURN_REFUSED', `${target.device} is not overwritten: ${target.refusal}`, { hint: 'unmount it, or take another stick' });
  const named = flags.overwrite !== undefined && [usb, target.device].includes(flags.overwrite);
  if (flags.overwrite !== undefined && !named) throw usageError(`--overwrite ${flags.overwrite} is not the device of --usb ${usb}`);
  if (target.doubts.length > 0 && !named) throw new CdrecError('BURN_REFUSED', `${about}\n${target.doubts.map((d) => `  ${d}`).join('\n')}`, { hint: `if it is meant nevertheless: --overwrite ${target.device}` });
  terminal.say(`${about}\nWILL BE LOST: ${target.content}`);
  if (!named) {
    const answer = await terminal.ask(`To overwrite it, type its name (${target.device}): `, `--overwrite ${target.device}`);
    if (answer !== target.device) throw new CdrecError('NOT_CONFIRMED', 'not confirmed: nothing was written');
  }
  const interrupt = interruptSignal('the stick or disc is not complete: write it again');
  try {
    const bytes = statSync(image).size;
    const meters = { write: terminal.progress('Writing', bytes), verify: terminal.progress('Reading back', bytes) };
    const report = await writeImageToDevice(image, target.device, { deviceBytes: target.bytes, signal: interrupt.signal, onBytes: (phase, n) => { meters[phase].add(n); } });
    meters.verify.done(`${formatBytes(report.bytes)} equal`);
    terminal.print(flags.json === true ? JSON.stringify({ device: target.device, ...report }) : `WRITTEN ${image} to ${target.device}: ${String(report.bytes)} bytes, compared, SHA-256 ${report.sha256}`);
    return EXIT.ok;
  } finally {
    interrupt.stop();
  }
}
