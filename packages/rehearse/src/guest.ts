import { createWriteStream, existsSync, mkdirSync, type WriteStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type ResultPromise } from 'execa';
import { CdrecError } from '@cdrec/tool';
import type { Accelerator } from './accelerator.js';

/** A disk, disc or stick of a guest. `discard` keeps the image as it is (QEMU's snapshot mode). */
export interface Medium {
  readonly file: string;
  readonly as: 'virtio' | 'virtio-scsi' | 'ahci' | 'nvme' | 'cdrom' | 'usb' | 'floppy';
  readonly readonly?: boolean;
  readonly discard?: boolean;
  readonly boot?: boolean;
  readonly serial?: string;
  /** Bytes of a sector, as the guest sees it; default 512. */
  readonly sectorBytes?: 512 | 4096;
  /** Format of the file; default raw. */
  readonly format?: 'raw' | 'qcow2';
}

/** A network card on QEMU's own network, which has a DHCP and a TFTP server (10.0.2.2). */
export interface GuestNetwork {
  /** Directory that is served by TFTP. */
  readonly tftp?: string;
  /** File or URL that DHCP names for network boot; the guest then boots from the card. */
  readonly bootfile?: string;
  /** Port of 127.0.0.1 that leads to the guest's port 22. */
  readonly ssh?: number;
  /** MAC address of the card; QEMU's own choice otherwise. */
  readonly mac?: string;
  /** Whether the guest may reach this machine (as 10.0.2.2). */
  readonly reachHost?: boolean;
}

/** A virtual machine. */
export interface GuestOptions {
  readonly accelerator: Accelerator;
  /** `secure-boot` is UEFI that enforces Secure Boot with Microsoft's keys. */
  readonly firmware: 'bios' | 'uefi' | 'secure-boot';
  readonly network?: GuestNetwork;
  readonly memoryMiB: number;
  readonly media: readonly Medium[];
  /** File that gets everything the guest says on its serial line. */
  readonly log: string;
  /** File for the UEFI variables: made from OVMF's template when it does not exist. */
  readonly variables?: string;
  /** Socket for QEMU's monitor (keys, discs); none otherwise. */
  readonly monitor?: string;
  /** Told what the guest prints on its serial line, as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Further arguments of QEMU. */
  readonly more?: readonly string[];
}

/** UEFI firmware and its template of variables, as distributions have them. */
const OVMF: Readonly<Record<'uefi' | 'secure-boot', readonly (readonly [code: string, variables: string])[]>> = {
  uefi: [
    ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
    ['/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'],
    ['/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'],
  ],
  'secure-boot': [
    ['/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', '/usr/share/OVMF/OVMF_VARS_4M.ms.fd'],
    ['/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd', '/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd'],
    ['/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin', '/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin'],
  ],
};

/** @throws CdrecError TOOL_MISSING */
function findFirmware(kind: 'uefi' | 'secure-boot'): readonly [code: string, variables: string] {
  const found = OVMF[kind].find(([code, variables]) => existsSync(code) && existsSync(variables));
  if (found === undefined) throw new CdrecError('TOOL_MISSING', 'OVMF, the UEFI firmware for QEMU, is not installed', { hint: 'apt install ovmf | dnf install edk2-ovmf | pacman -S edk2-ovmf | zypper install qemu-ovmf-x86_64' });
  return found;
}

/** Under UEFI the firmware's own network stack is taken: QEMU's ROM would put iPXE's in its place, by which shim cannot fetch GRUB whole. */
function networkArguments(n: GuestNetwork | undefined, uefi: boolean): string[] {
  if (n === undefined) return ['-net', 'none'];
  const user = ['user', 'id=net0', n.reachHost === true ? '' : 'restrict=on', n.tftp === undefined ? '' : `tftp=${n.tftp}`, n.bootfile === undefined ? '' : `bootfile=${n.bootfile}`, n.ssh === undefined ? '' : `hostfwd=tcp:127.0.0.1:${String(n.ssh)}-:22`];
  return ['-netdev', user.filter((s) => s !== '').join(','), '-device', `virtio-net-pci,netdev=net0${n.mac === undefined ? '' : `,mac=${n.mac}`}${n.bootfile === undefined ? ',romfile=' : `,bootindex=0${uefi ? ',romfile=' : ''}`}`];
}

/** Arguments of qemu-system-x86_64 for a guest. */
export function qemuArguments(o: GuestOptions): string[] {
  const uefi = o.firmware !== 'bios';
  // QEMU's own default drives are empty; a kernel can wait minutes for the one that emulates a DVD drive.
  const args = ['-nodefaults', '-vga', 'std', '-machine', o.firmware === 'secure-boot' ? 'q35,smm=on' : uefi ? 'q35' : 'pc', '-accel', o.accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi', '-smp', '2', '-m', String(o.memoryMiB), '-display', 'none', '-serial', 'stdio', '-no-reboot', '-device', 'virtio-rng-pci', ...networkArguments(o.network, uefi)];
  args.push(...(o.monitor === undefined ? ['-monitor', 'none'] : ['-monitor', `unix:${o.monitor},server=on,wait=off`]));
  if (o.accelerator === 'tcg') args.push('-cpu', 'max');
  if (o.firmware !== 'bios') {
    const [code] = findFirmware(o.firmware);
    if (o.variables === undefined) throw new CdrecError('GUEST_OPTIONS', 'a guest with UEFI needs a file for its variables');
    if (o.firmware === 'secure-boot') args.push('-global', 'driver=cfi.pflash01,property=secure,value=on', '-global', 'ICH9-LPC.disable_s3=1');
    args.push('-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${code}`, '-drive', `if=pflash,unit=1,format=raw,file=${o.variables}`);
  }
  const needs = (as: Medium['as']): boolean => o.media.some((m) => m.as === as);
  if (needs('usb')) args.push('-device', 'qemu-xhci,id=xhci');
  if (needs('ahci') || needs('cdrom')) args.push('-device', 'ich9-ahci,id=sata');
  if (needs('virtio-scsi')) args.push('-device', 'virtio-scsi-pci,id=scsi');
  args.push(...(o.more ?? []));
  let port = 0;
  o.media.forEach((m, i) => {
    const id = `m${String(i)}`;
    args.push('-drive', [`if=none,id=${id},format=${m.format ?? 'raw'},cache=unsafe,file=${m.file.replaceAll(',', ',,')}`, m.readonly === true || m.as === 'cdrom' ? 'readonly=on' : '', m.discard === true ? 'snapshot=on' : ''].filter((s) => s !== '').join(','));
    const tail = `${m.boot === true ? ',bootindex=0' : ''}${m.serial === undefined ? '' : `,serial=${m.serial}`}${m.sectorBytes === undefined ? '' : `,logical_block_size=${String(m.sectorBytes)},physical_block_size=${String(m.sectorBytes)}`}`;
    switch (m.as) {
      case 'virtio': args.push('-device', `virtio-blk-pci,drive=${id}${tail}`); break;
      case 'virtio-scsi': args.push('-device', `scsi-hd,bus=scsi.0,drive=${id}${tail}`); break;
      case 'floppy': args.push('-device', `floppy,drive=${id}`, ...(m.boot === true ? ['-global', 'isa-fdc.bootindexA=0'] : [])); break;
      case 'nvme': args.push('-device', `nvme,drive=${id}${m.boot === true ? ',bootindex=0' : ''},serial=${m.serial ?? id}`); break;
      case 'usb': args.push('-device', `usb-storage,bus=xhci.0,drive=${id}${tail}`); break;
      case 'ahci': args.push('-device', `ide-hd,bus=sata.${String(port++)},drive=${id}${tail}`); break;
      case 'cdrom': args.push('-device', `ide-cd,bus=sata.${String(port++)},drive=${id}${tail}`); break;
    }
  });
  return args;
}

/** A running guest, spoken to over its serial line. Dispose of it, or it is killed with the process. */
export class Guest implements AsyncDisposable {
  readonly #child: ResultPromise;
  readonly #log: WriteStream;
  readonly #options: GuestOptions;
  #text = '';
  #position = 0;
  #ended = false;
  #wake: () => void = () => undefined;
  #counter = 0;

  private constructor(child: ResultPromise, options: GuestOptions) {
    this.#child = child;
    this.#options = options;
    this.#log = createWriteStream(options.log, { flags: 'w' });
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#log.write(chunk);
      this.#text += chunk.toString('latin1');
      options.onOutput?.(chunk.toString('latin1'));
      this.#wake();
    });
    void child.finally(() => {
      this.#ended = true;
      this.#log.end();
      this.#wake();
    });
  }

  /** Starts QEMU. @throws CdrecError TOOL_MISSING */
  static async start(options: GuestOptions): Promise<Guest> {
    mkdirSync(dirname(options.log), { recursive: true });
    if (options.firmware !== 'bios' && options.variables !== undefined && !existsSync(options.variables)) await copyFile(findFirmware(options.firmware)[1], options.variables);
    const child = execa('qemu-system-x86_64', qemuArguments(options), { reject: false, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', buffer: { stdout: false, stderr: true }, cleanup: true, killSignal: 'SIGKILL' }) as ResultPromise;
    return new Guest(child, options);
  }

  /** The last lines the guest printed. */
  tail(characters = 1500): string {
    // eslint-disable-next-line no-control-regex -- terminal escapes are what must go
    return this.#text.slice(-characters).replace(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, '');
  }

  /** Waits until the guest prints something that matches. @throws CdrecError GUEST_TIMEOUT or GUEST_ENDED with its last lines */
  async expect(pattern: RegExp, seconds: number): Promise<RegExpExecArray> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const match = pattern.exec(this.#text.slice(this.#position));
      if (match !== null) {
        this.#position += match.index + match[0].length;
        return match;
      }
      const panic = /Kernel panic.*/.exec(this.#text.slice(this.#position));
      if (panic !== null || this.#ended || Date.now() >= deadline) {
        const why = panic !== null ? panic[0] : this.#ended ? `the guest ended${await this.#qemuSaid()}` : `nothing after ${String(seconds)} s`;
        throw new CdrecError(this.#ended ? 'GUEST_ENDED' : panic !== null ? 'GUEST_PANIC' : 'GUEST_TIMEOUT', `waiting for ${String(pattern)}: ${why}; log ${this.#options.log}; last lines:\n${this.tail()}`);
      }
      await Promise.race([sleep(Math.min(1000, deadline - Date.now())), new Promise<void>((resolve) => { this.#wake = resolve; })]);
    }
  }

  /** Waits like `expect`, and returns all that was printed up to the end of the match. A pattern that takes all of that by itself (`[^]*`) would be tried from every character of it, at every chunk. @throws CdrecError GUEST_TIMEOUT or GUEST_ENDED */
  async printedUntil(pattern: RegExp, seconds: number): Promise<string> {
    const from = this.#position;
    await this.expect(pattern, seconds);
    return this.#text.slice(from, this.#position);
  }

  async #qemuSaid(): Promise<string> {
    const result = await this.#child;
    return `: ${String(result.stderr).trim()}`;
  }

  /** Types text. */
  send(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Runs a shell command at the guest's prompt, answering questions it asks in their order, and `repeated` ones whenever they come; returns output and status. */
  async run(command: string, seconds: number, answers: readonly { question: RegExp; answer: (match: RegExpExecArray) => string }[] = [], repeated?: { readonly question: RegExp; readonly answer: (match: RegExpExecArray) => Promise<string> }): Promise<{ output: string; status: number }> {
    const n = String(++this.#counter);
    const from = this.#position;
    // The quotes keep the markers out of the echoed command line.
    this.send(`echo "BE""GIN${n}:"; ${command}; echo "EN""D${n}:"$?:\n`);
    for (const { question, answer } of answers) this.send(`${answer(await this.expect(question, seconds))}\r`);
    const end = `END${n}:(\\d+):`;
    let match = await this.expect(new RegExp(repeated === undefined ? end : `${end}|${repeated.question.source}`), seconds);
    for (; repeated !== undefined && match[1] === undefined; match = await this.expect(new RegExp(`${end}|${repeated.question.source}`), seconds)) {
      const question = repeated.question.exec(match[0]);
      if (question !== null) this.send(`${await repeated.answer(question)}\r`);
    }
    const text = this.#text.slice(from, this.#position - match[0].length).replace(/\r/g, '');
    const begin = `BEGIN${n}:\n`;
    return { output: text.slice(text.indexOf(begin) + begin.length), status: Number(match[1]) };
  }

  /** Like `run`, but a status other than 0 is an error. @throws CdrecError GUEST_COMMAND */
  async must(command: string, seconds: number): Promise<string> {
    const { output, status } = await this.run(command, seconds);
    if (status !== 0) throw new CdrecError('GUEST_COMMAND', `"${command}" in the guest ended with status ${String(status)}:\n${output.slice(-3000)}`);
    return output;
  }

  /** Waits until QEMU has ended by itself. @throws CdrecError GUEST_TIMEOUT */
  async ended(seconds: number): Promise<void> {
    // A timer that nobody waits for any more would keep the program alive.
    const timer = new AbortController();
    const late = sleep(seconds * 1000, false, { signal: timer.signal }).catch(() => false);
    const done = await Promise.race([this.#child.then(() => true), late]);
    timer.abort();
    if (!done) throw new CdrecError('GUEST_TIMEOUT', `the guest did not end within ${String(seconds)} s; last lines:\n${this.tail()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child;
  }
}
