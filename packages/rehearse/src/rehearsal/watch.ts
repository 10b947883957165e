import { CdrecError, errorCode } from '@cdrec/tool';
import type { Guest } from '../guest.js';
import type { Monitor } from '../monitor.js';
import { MARK } from './probe.js';

/** What firmware and boot loaders say when there is nothing to start: on a screen in text mode, on the serial line. */
const NOTHING_ON_SCREEN = /No bootable device.*|Boot failed: not a bootable disk|grub rescue>.*|error: (?:no such device|unknown filesystem|file .* not found).*/;
const NOTHING_ON_SERIAL = /BdsDxe: No bootable option.*|No bootable option or device was found.*|grub rescue>/;
const END = new RegExp(`${MARK} END`);
/** Seconds between two looks, and looks at a screen that does not change after which a boot sector is believed to lead nowhere. */
const LOOK_SECONDS = 15;
const STILL = 6;

/**
 * Waits until the restored system has said how it is, and returns what it printed. Looks at the screen meanwhile, and types
 * `passphrase` where somebody may wait for one: on the serial line when it asks there, else blindly on the keyboard (a login prompt
 * of a throw-away machine takes no harm). `scratch`: a free file name.
 * @throws CdrecError NO_BOOT, GUEST_TIMEOUT, GUEST_PANIC, GUEST_ENDED
 */
export async function awaitReport(guest: Guest, monitor: Monitor, options: { readonly seconds: number; readonly scratch: string; readonly passphrase?: string }): Promise<string> {
  const { seconds, scratch, passphrase } = options;
  const deadline = Date.now() + seconds * 1000;
  let still = 0;
  let computing = 0;
  for (let round = 1; ; round++) {
    try {
      return await guest.printedUntil(END, LOOK_SECONDS);
    } catch (error) {
      if (errorCode(error) !== 'GUEST_TIMEOUT') throw error;
    }
    const screen = await monitor.textScreen(scratch);
    const nothing = NOTHING_ON_SCREEN.exec(screen) ?? NOTHING_ON_SERIAL.exec(guest.tail(3000));
    if (nothing !== null && round > 1) throw new CdrecError('NO_BOOT', `the firmware or the boot loader found nothing to start: "${nothing[0].trim()}"`);
    // A disk with a table but no boot loader: its boot sector is empty, and the firmware starts it all the same.
    still = guest.tail().trim() === '' && /Booting from Hard Disk[. ]*$/.test(screen) ? still + 1 : 0;
    if (still >= STILL) throw new CdrecError('NO_BOOT', 'the firmware started the boot sector of the disk, and nothing came of it: there is no boot loader, or it hangs');
    if (passphrase !== undefined) {
      const grub = grubAt(screen);
      // What an old screen says is not believed for ever.
      computing = grub === 'computes' ? computing + 1 : 0;
      if (grub === 'asks') await monitor.type(`${passphrase}\n`);
      else if (computing === 0 || computing > 20) await unlock(guest, monitor, passphrase, round);
    }
    if (Date.now() > deadline) {
      const end = (text: string, lines: number): string => text.trim().split('\n').slice(-lines).join(' | ');
      throw new CdrecError('GUEST_TIMEOUT', `the restored system said nothing of itself in ${String(seconds)} s${screen.trim() === '' ? '' : `; on its screen: ${end(screen, 4)}`}; last on its serial line: ${end(guest.tail(300), 3)}`);
    }
  }
}

/**
 * What GRUB does before its menu where /boot is encrypted: it asks for the passphrase, or computes the key from it, which takes it a while; what
 * is typed meanwhile would be kept for its menu. `screen`: in text mode. undefined: it does neither.
 */
export function grubAt(screen: string): 'asks' | 'computes' | undefined {
  const last = screen.trimEnd().split('\n').at(-1) ?? '';
  if (/^Enter passphrase for \S+ \([0-9a-fA-F-]+\):\s*$/.test(last)) return 'asks';
  return /^(?:Attempting to decrypt master key\.\.\.|Enter passphrase for .*)/.test(last) ? 'computes' : undefined;
}

async function unlock(guest: Guest, monitor: Monitor, passphrase: string, round: number): Promise<void> {
  if (/(passphrase|unlock|password for)[^\n]*$/i.test(guest.tail(400).trimEnd())) guest.send(`${passphrase}\n`);
  else if (round > 1 && /^[a-zA-Z0-9 ]*$/.test(passphrase)) await monitor.type(`${passphrase}\n`);
}
