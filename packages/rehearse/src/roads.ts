import { errorCode } from '@cdrec/tool';
import type { Guest } from './guest.js';

/** What a sample system's root has as its password. */
const PASSWORD = 'cdrec';

/** From power-on of a recovery medium to the rescue system's prompt. The menu's first entry is chosen; `onMenu` is awaited while it is shown. */
export async function bootToRescue(guest: Guest, seconds = 300, onMenu?: () => Promise<void>): Promise<void> {
  // A boot loader may show its menu on the screen only, and go on by itself.
  const [first] = await guest.expect(/cdrec: CDrec|1\) Rescue system|Rescue system \(|cdrec rescue system of "/, seconds);
  await onMenu?.();
  if (!first.startsWith('cdrec rescue')) await pressEnter(guest);
  await guest.expect(/cdrec:~# /, seconds);
}

/**
 * Enter in a boot menu, until something is loaded: under UEFI the firmware and GRUB read the same serial line, and a key
 * may get lost between them.
 */
async function pressEnter(guest: Guest): Promise<void> {
  for (let tries = 1; tries <= 6; tries++) {
    guest.send('\r');
    try {
      await guest.expect(/Loading|Booting|cdrec: (looking|the rescue system)/, 20);
      return;
    } catch (error) {
      if (errorCode(error) !== 'GUEST_TIMEOUT' || tries === 6) throw error;
    }
  }
}

/** From power-on of a sample system to root's prompt, on the serial line. */
export async function bootToLogin(guest: Guest, seconds = 420): Promise<void> {
  await guest.expect(/login: /, seconds);
  guest.send('root\n');
  await guest.expect(/Password: /, 60);
  guest.send(`${PASSWORD}\n`);
  await guest.expect(/root@[^\n]*# /, 120);
  // Late messages of the kernel must not stand in the output of commands.
  await guest.must('dmesg -n 1; stty -echo cols 200; PS1="# "; bind "set enable-bracketed-paste off"; true', 60);
}

/** Shuts a guest down and waits for its end. */
export async function powerOff(guest: Guest, seconds = 120): Promise<void> {
  guest.send('poweroff\n');
  await guest.ended(seconds);
}
