import { existsSync, readFileSync, statSync } from 'node:fs';
import { chooseBurnProgram, readDisc } from '@cdrec/burn';
import type { Config } from '@cdrec/config';
import { DHCP_CLIENTS, findDhcpClient } from '@cdrec/ramdisk';
import { findProgram, installHint, runTool } from '@cdrec/tool';
import { tapeDrives } from '../tapes.js';
import { searchPath } from '../terminal.js';
import { wrong, type Add } from './check.js';

const has = (program: string): boolean => findProgram(program, searchPath()) !== undefined;

/** Where cdrec runs: not in a container, with a clock that is right, the firmware as the kernel sees it. */
export async function checkEnvironment(add: Add): Promise<void> {
  const container = existsSync('/run/.containerenv') || existsSync('/.dockerenv') || (has('systemd-detect-virt') && (await runTool('systemd-detect-virt', ['--container', '--quiet'], { ok: [0, 1] })).status === 0);
  add('environment', container ? 'WARN' : 'PASS', container ? 'this looks like a container: disks, kernel and boot loader are those of the host' : 'a machine of its own, no container', ...(container ? ['run cdrec on the host'] : []));
  const efi = existsSync('/sys/firmware/efi');
  const writable = existsSync('/sys/firmware/efi/efivars') && readFileSync('/proc/mounts', 'utf8').split('\n').some((l) => l.split(' ')[1] === '/sys/firmware/efi/efivars');
  if (efi) add('firmware-mode', writable ? 'PASS' : 'WARN', writable ? 'started by UEFI, its boot entries can be read' : 'started by UEFI, but its boot entries cannot be read: a restore will not bring them back', ...(writable ? [] : ['mount -t efivarfs efivarfs /sys/firmware/efi/efivars']));
  else add('firmware-mode', 'PASS', 'started by BIOS');
  // A set is named by its date; certificates and ages go by it too.
  const year = new Date().getFullYear();
  add('clock', year < 2024 ? 'WARN' : 'PASS', `the clock says ${String(year)}${year < 2024 ? ': sets are named by their date' : ''}`, ...(year < 2024 ? ['set the clock'] : []));
}

/** Burner, tape drives, and what makes error-correction data: as far as the configuration wants them. */
export async function checkDevices({ output }: Config, add: Add): Promise<void> {
  if (output.burn !== '') {
    // Without a disc in the drive, the size of the volumes says what will be burned.
    let profile = output.volume_size === 'cd' ? 'CD-R' : 'DVD-R';
    try {
      if (!statSync(output.burn).isBlockDevice()) throw new Error(`${output.burn} is no block device`);
      const disc = await readDisc(output.burn);
      if (disc.state !== 'none') ({ profile } = disc);
      add('burner', 'PASS', `burner ${output.burn} answers`);
    } catch (error) {
      add('burner', 'FAIL', `burner ${output.burn} (output.burn): ${wrong(error).message}`, 'name a drive that is there, or remove output.burn');
    }
    try {
      add('burner.program', 'PASS', `${profile} is burned by ${chooseBurnProgram(output.burn_program, profile, searchPath())}`);
    } catch (error) {
      const { message, remedy } = wrong(error);
      add('burner.program', 'FAIL', message, remedy, [output.burn_program === 'auto' ? 'xorriso' : output.burn_program]);
    }
  } else add('burner', 'PASS', 'no burner is configured (output.burn): volumes stay ISO files');
  if (output.tapes.length === 0) add('tape', 'PASS', 'no tape drive is configured (output.tapes)');
  else {
    if (!has('mt')) add('tape.program', 'FAIL', 'mt is not installed: tape drives are moved with it', installHint('mt'), ['mt']);
    for (const drive of tapeDrives({ output } as Config, [])) {
      try {
        await drive.status(); // a check moves no tape
        add(`tape.${drive.name}`, 'PASS', `tape drive ${drive.name} answers`);
      } catch (error) {
        const { message, remedy } = wrong(error);
        add(`tape.${drive.name}`, 'FAIL', message, remedy);
      }
    }
  }
  if (output.recovery_percent > 0 && !has('par2')) add('recovery-data', 'FAIL', 'par2 is not installed (output.recovery_percent)', installHint('par2'), ['par2']);
  else if (output.recovery_percent > 0) add('recovery-data', 'PASS', `error-correction data: ${String(output.recovery_percent)} %`);
}

/** What the rescue system takes along besides programs: files, a DHCP client. */
export async function checkRescue({ rescue }: Config, path: string, add: Add): Promise<void> {
  const gone = rescue.files.filter((f) => !existsSync(f));
  if (rescue.files.length > 0) add('rescue-files', gone.length > 0 ? 'WARN' : 'PASS', gone.length > 0 ? `rescue.files: ${gone.join(', ')} is not there` : `further files: ${rescue.files.join(', ')}`, ...(gone.length > 0 ? ['correct rescue.files'] : []));
  if (rescue.network === 'dhcp') {
    const client = await findDhcpClient(path);
    if (client === undefined) add('network', 'WARN', `none of ${DHCP_CLIENTS.join(', ')} (or BusyBox with it) is installed: the rescue system can have a network only by hand`, installHint('dhcpcd'), ['dhcpcd']);
    else add('network', 'PASS', `network of the rescue system: DHCP by ${client.name}`);
  } else add('network', 'PASS', `network of the rescue system: ${rescue.network === 'off' ? 'none' : 'the addresses of this machine'}`);
}

/** Whether sets can be rehearsed here; they can be elsewhere. */
export async function checkRehearsal(add: Add): Promise<void> {
  if (!has('qemu-system-x86_64')) {
    add('rehearsal', 'WARN', 'QEMU is not installed: a set cannot be rehearsed on this machine', `${installHint('qemu-system-x86_64')}; or rehearse on another machine`, ['qemu-system-x86_64']);
    return;
  }
  const { stdout } = await runTool('qemu-system-x86_64', ['--version'], { ok: [0, 1] });
  add('rehearsal', 'PASS', `sets can be rehearsed: ${(stdout.split('\n')[0] ?? 'QEMU').replace(/ \(.*$/, '')}${existsSync('/dev/kvm') ? '' : ', by emulation: there is no /dev/kvm'}`);
}
