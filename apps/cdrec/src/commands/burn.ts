import { readFileSync, realpathSync, statSync } from 'node:fs';
import { readBurnTarget, writeImageToDevice } from '@cdrec/burn';
import { CdrecError } from '@cdrec/tool';
import { EXIT, usageError, type AddCommand } from '../main.js';
import { formatBytes, interruptSignal } from '../terminal.js';

interface Flags { usb?: string; overwrite?: string; json?: boolean }

/** Swap areas in use, as device paths. */
const activeSwaps = (): string[] => readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).map((l) => l.split(/\s+/)[0] as string).filter((p) => p.startsWith('/dev/')).map((p) => { try { return realpathSync(p); } catch { return p; } });

export const burnCommand: AddCommand = (program, terminal, finish) => {
  program.command('burn')
    .description('write an ISO image onto a USB stick, read it back and compare')
    .argument('<image>', 'ISO file: volume 1 boots')
    .requiredOption('--usb <device>', 'the whole stick: /dev/sdX, or a link below /dev/disk/by-id')
    .option('--overwrite <device>', 'the same device once more, instead of the question; needed for disks that are not removable or carry a volume')
    .option('--json', 'result as JSON on standard output')
    .addHelpText('after', '\nExit status: 0 written and compared; 1 failed; 2 wrong usage. Whatever is mounted or otherwise in use is refused.')
    .action(async (image: string, flags: Flags) => {
      if (process.getuid?.() !== 0) throw usageError('cdrec burn must be run as root: it writes to a device');
      if (!statSync(image).isFile()) throw usageError(`${image} is not a file`);
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
      const interrupt = interruptSignal();
      try {
        const bytes = statSync(image).size;
        const meters = { write: terminal.progress('Writing', bytes), verify: terminal.progress('Reading back', bytes) };
        const report = await writeImageToDevice(image, target.device, { deviceBytes: target.bytes, signal: interrupt.signal, onBytes: (phase, n) => { meters[phase].add(n); } });
        meters.verify.done(`${formatBytes(report.bytes)} equal`);
        terminal.print(flags.json === true ? JSON.stringify({ device: target.device, ...report }) : `WRITTEN ${image} to ${target.device}: ${String(report.bytes)} bytes, compared, SHA-256 ${report.sha256}`);
        finish(EXIT.ok);
      } finally {
        interrupt.stop();
      }
    });
};
