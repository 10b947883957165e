import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IsoImage, writeImageFile } from '@cdrec/iso9660';
import { CdrecError, findProgram, runTool } from '@cdrec/tool';
import type { Accelerator } from '../accelerator.js';
import { Guest, type Medium } from '../guest.js';
import { Monitor } from '../monitor.js';
import { bootToRescue, powerOff } from '../roads.js';
import { addRehearsalFiles, INJECTED, parseSystemReport, type SystemReport } from './probe.js';
import { STAGES, type RehearsalDisk, type RehearsalResult, type Screenshot, type Stage, type StageId } from './types.js';
import { awaitReport } from './watch.js';

/** What is rehearsed, and on what. */
export interface RehearsalRequest {
  /** Volumes as ISO files, the first one first. */
  readonly volumes: readonly string[];
  /** Directory with the archives of a path set; the guest sees it read-only. `volumes` is then the rescue ISO alone. */
  readonly setDirectory?: string;
  readonly disks: readonly RehearsalDisk[];
  /** The disk of the survey that the firmware starts from. */
  readonly bootDisk: string;
  readonly firmware: 'bios' | 'uefi' | 'secure-boot';
  readonly bus: 'virtio' | 'virtio-scsi' | 'ahci' | 'nvme';
  readonly memoryMiB: number;
  readonly accelerator: Accelerator;
  /** An empty directory for disks and logs. */
  readonly directory: string;
  /** Bytes that are unpacked: the time for it follows from them. */
  readonly contentBytes: number;
  /** Whether the machine has encrypted volumes; they get a passphrase of the rehearsal's own, or `luksPassphrase`. */
  readonly encrypted: boolean;
  readonly luksPassphrase?: string;
  /** Secret key of age for an encrypted set. */
  readonly identity?: string;
  /** The archives lie with an engine: the guest gets a network, by which it reaches this machine as 10.0.2.2. */
  readonly repository?: RehearsalRepository;
  /** Shell commands run in the restored system's root ($CDREC_ROOT) before it starts: for those who test rehearsals. */
  readonly more?: string;
  /** Seconds after which a guest that says nothing is given up, for each stage; default: by accelerator. */
  readonly patience?: number;
  /** Keep the restored disks. */
  readonly keep?: boolean;
  readonly onStage?: (stage: Stage | { readonly title: string }) => void;
  /** What the guest prints. */
  readonly onOutput?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A repository, as the guest reaches it. */
export interface RehearsalRepository {
  /** Further arguments of `cdrec restore`: which repository, host and set. */
  readonly arguments: readonly string[];
  /** Its secrets; empty: it needs none. */
  readonly password: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Text of the private key for sftp:. */
  readonly sshKey?: string;
}

/** Letters that lie on the same keys of US, German, French keyboards, for passphrases that are typed blindly; without those that mean something in GRUB's menu (c, e). */
const LETTERS = 'bdfghijklnoprstuvx';

/** Seconds after which a restored system says how far it is. */
const BOOT_SECONDS = 420;
/** Seconds in which a rescue system is there on an emulated processor that has a real one for itself, with some to spare. */
const USUAL_BOOT = 40;

/** How many times as long as usual things take here (1 to 5), by how long the rescue system took to start: a busy machine, an old one. */
export const slowness = (bootSeconds: number): number => Math.min(5, Math.max(1, bootSeconds / USUAL_BOOT));

/** A word for the guest's shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

class Rehearsal {
  readonly #r: RehearsalRequest;
  readonly stages: Stage[] = [];
  readonly screenshots: Screenshot[] = [];
  readonly logs: { title: string; text: string }[] = [];
  readonly remarks: string[] = [];
  differences: string[] = [];
  checkedFiles = 0;
  system: SystemReport | undefined;
  readonly #passphrase: string;
  #scale: number;
  /** Without qemu-img a sparse file serves as well. */
  readonly #format = findProgram('qemu-img', '') === undefined ? 'raw' as const : 'qcow2' as const;

  constructor(request: RehearsalRequest) {
    this.#r = request;
    this.#scale = request.accelerator === 'kvm' ? 0.4 : 1;
    this.#passphrase = request.luksPassphrase ?? Array.from({ length: 14 }, (_, i) => LETTERS[(process.pid * (i + 7) + Date.now() + i * 13) % LETTERS.length] as string).join('');
  }

  path(name: string): string {
    return join(this.#r.directory, name);
  }

  #seconds(usual: number): number {
    return this.#r.patience ?? Math.ceil(usual * this.#scale);
  }

  /** Runs a stage; false when it failed, with the reason kept. */
  async stage(id: StageId, work: () => Promise<void> | void): Promise<boolean> {
    this.#r.signal?.throwIfAborted();
    const title = STAGES[id];
    this.#r.onStage?.({ title });
    const started = Date.now();
    let stage: Stage;
    try {
      await work();
      stage = { id, title, seconds: (Date.now() - started) / 1000, verdict: 'PASS', reason: '' };
    } catch (error) {
      if (this.#r.signal?.aborted === true) throw error;
      stage = { id, title, seconds: (Date.now() - started) / 1000, verdict: 'FAIL', reason: error instanceof Error ? error.message : String(error) };
    }
    this.stages.push(stage);
    this.#r.onStage?.(stage);
    return stage.verdict === 'PASS';
  }

  /** Parts that were not reached. */
  skip(id: StageId): void {
    const stage: Stage = { id, title: STAGES[id], seconds: 0, verdict: 'SKIP', reason: 'an earlier stage failed' };
    this.stages.push(stage);
    this.#r.onStage?.(stage);
  }

  async makeDisks(): Promise<void> {
    for (const [i, d] of this.#r.disks.entries()) {
      const file = this.path(`disk-${String(i)}`);
      if (this.#format === 'qcow2') await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(d.bytes)]);
      else await runTool('truncate', ['-s', String(d.bytes), file]);
    }
    const iso = new IsoImage({ volumeId: 'CDREC_REHEARSAL', date: 0 });
    addRehearsalFiles(iso, {
      bootSeconds: this.#seconds(BOOT_SECONDS), ...(this.#r.more === undefined ? {} : { more: this.#r.more }), ...(this.#r.encrypted ? { luksPassphrase: this.#passphrase } : {}), ...(this.#r.identity === undefined ? {} : { identity: this.#r.identity }), ...(this.#r.repository === undefined ? {} : { repository: this.#r.repository }),
    });
    writeImageFile(iso.plan(), this.path('rehearsal.iso'));
  }

  #disks(boot: boolean): Medium[] {
    return this.#r.disks.map((d, i) => ({ file: this.path(`disk-${String(i)}`), as: this.#r.bus, serial: `CDREC-${String(i)}`, format: this.#format, boot: boot && d.source === this.#r.bootDisk }));
  }

  async #guest<T>(title: string, media: readonly Medium[], work: (guest: Guest, monitor: Monitor) => Promise<T>, more: readonly string[] = []): Promise<T> {
    const name = title.replace(/\W+/g, '-').toLowerCase();
    const log = this.path(`${name}.log`);
    // Sockets have short paths: that of a work directory may be longer than they allow (unix(7): 108 bytes).
    const sockets = mkdtempSync(join(tmpdir(), 'cdrec-'));
    const socket = join(sockets, 'monitor');
    const guest = await Guest.start({
      accelerator: this.#r.accelerator, firmware: this.#r.firmware, memoryMiB: this.#r.memoryMiB, media, log, monitor: socket, ...(this.#r.repository === undefined || title !== 'Rescue system' ? {} : { network: { reachHost: true } }), more, variables: this.path('firmware-variables.fd'), ...(this.#r.onOutput === undefined ? {} : { onOutput: this.#r.onOutput }),
    }).catch((error: unknown) => {
      rmSync(sockets, { recursive: true, force: true });
      throw error;
    });
    const stop = (): void => { void guest[Symbol.asyncDispose](); };
    this.#r.signal?.addEventListener('abort', stop, { once: true });
    let monitor: Monitor | undefined;
    try {
      monitor = await Monitor.open(socket).catch(async (error: unknown) => {
        await guest.expect(/(?!)/, 5); // says what QEMU said, if it has ended
        throw error;
      });
      return await work(guest, monitor);
    } catch (error) {
      if (monitor !== undefined) await this.#lastScreen(title, monitor);
      throw error;
    } finally {
      monitor?.close();
      await guest[Symbol.asyncDispose]();
      this.#r.signal?.removeEventListener('abort', stop);
      rmSync(sockets, { recursive: true, force: true });
      this.logs.push({ title, text: existsSync(log) ? readFileSync(log, 'latin1') : '' });
    }
  }

  async #shot(title: string, monitor: Monitor): Promise<void> {
    const png = await monitor.screenshot(this.path('screen.png'));
    if (png !== undefined) this.screenshots.push({ title, png });
  }

  async #lastScreen(title: string, monitor: Monitor): Promise<void> {
    await this.#shot(`${title}: last screen`, monitor);
    const text = await monitor.textScreen(this.path('screen.txt'));
    if (text !== '') this.logs.push({ title: `${title}: last screen`, text });
  }

  /** Rescue system, restore and comparison happen in one guest. */
  async restore(): Promise<boolean> {
    // One drive: further volumes are asked for, and changed like discs.
    const media: Medium[] = [
      { file: this.#r.volumes[0] as string, as: 'cdrom', boot: true }, ...this.#disks(false), { file: this.path('rehearsal.iso'), as: 'virtio', readonly: true, serial: 'CDREC-REHEARSAL' },
    ];
    return this.#guest('Rescue system', media, async (guest, monitor) => {
      const booted = await this.stage('rescue', async () => {
        await bootToRescue(guest, this.#seconds(300), async () => {
          await sleep(1500); // it is being drawn
          await this.#shot('Boot menu of the recovery medium', monitor);
        }).catch((error: unknown) => {
          if (guest.tail().trim() !== '') throw error;
          throw new CdrecError('GUEST_TIMEOUT', 'the recovery medium says nothing on its serial line: it does not start, or it was built without a serial console (rescue.serial = "")', { cause: error });
        });
      });
      if (!booted) {
        await this.#lastScreen('Rescue system', monitor);
        return false;
      }
      this.#scale *= slowness(this.stages.find((s) => s.id === 'rescue')?.seconds ?? 0);
      await this.#shot('Rescue system', monitor);
      const restored = await this.stage('restore', () => this.#restoreIn(guest, monitor));
      if (!restored) await this.#lastScreen('Restore', monitor);
      else await powerOff(guest, 60).catch(() => undefined); // the disks are unmounted and synced: how it ends does not matter
      return restored;
    }, this.#r.setDirectory === undefined ? [] : ['-virtfs', `local,path=${this.#r.setDirectory.replaceAll(',', ',,')},mount_tag=cdrec_set,security_model=none,readonly=on`]);
  }

  async #restoreIn(guest: Guest, monitor: Monitor): Promise<void> {
    const r = this.#r;
    await guest.must(`echo ${String(this.#seconds(BOOT_SECONDS))} > /run/rehearsal-seconds`, 30);
    const listed = await guest.must('lsblk -dnro PATH,SERIAL', 60);
    const nodeOf = (serial: string): string => {
      const node = new RegExp(`^(\\S+) ${serial}\\s*$`, 'm').exec(listed)?.[1];
      if (node === undefined) throw new CdrecError('DISK_MISSING', `the rescue system does not see the disk ${serial} (${r.bus}): its kernel has no driver for it, or did not load it`, { hint: 'rescue.modules = "all"' });
      return node;
    };
    const disks = r.disks.flatMap((d, i) => [d.source, ...(d.others ?? [])].map((name) => `--disk ${name}=${nodeOf(`CDREC-${String(i)}`)}`)).join(' ');
    await guest.must(`mkdir -p /run/rehearsal && mount -t iso9660 -o ro ${nodeOf('CDREC-REHEARSAL')} /run/rehearsal`, 60);
    if (r.setDirectory !== undefined) await guest.must('mkdir -p /run/rehearsal-set; modprobe -q 9pnet_virtio; mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144 cdrec_set /run/rehearsal-set', 60);
    // The addresses that the machine had are of no use in QEMU's network.
    if (r.repository !== undefined && (await guest.must('cat /etc/cdrec/network.mode', 30)).trim() !== 'dhcp') await guest.must('network dhcp', 60);
    if (r.repository !== undefined) await guest.must('for i in $(seq 60); do ip -4 -brief address show scope global | grep -q . && break; sleep 1; done', 90);
    // ssh refuses a key that others can read, and a CD has no other modes.
    if (r.repository?.sshKey !== undefined) await guest.must('install -m 600 /run/rehearsal/repository-ssh-key /tmp/repository-ssh-key', 30);
    const keys = `${r.encrypted ? ' --luks-key /run/rehearsal/luks-key' : ''}${r.identity === undefined ? '' : ' --identity /run/rehearsal/identity'}`;
    const repository = r.repository === undefined ? '' : ` ${[...(r.repository.password === '' ? [] : ['--password-file', '/run/rehearsal/repository-password', '--repository-env', '/run/rehearsal/repository-environment']), ...(r.repository.sshKey === undefined ? [] : ['--ssh-key', '/tmp/repository-ssh-key']), ...r.repository.arguments].map(quoted).join(' ')}`;
    // The card that reaches the repository is QEMU's, and none of the machine's.
    // The volumes were verified before: what is restored here is what was read there.
    const seconds = r.patience ?? Math.ceil((600 + r.contentBytes / 2 ** 20) * this.#scale);
    let asked = 0;
    const { output, status } = await guest.run(`TERM=dumb cdrec restore --yes --skip-verify --check --hook /run/rehearsal/inject.sh${r.repository === undefined ? '' : ' --nic none'}${keys}${repository} ${disks}${r.setDirectory === undefined ? '' : ' /run/rehearsal-set'}`, seconds, [], {
      question: /Insert (the last volume|volume \S+_(\d+))[^\n]* and press Enter: /,
      answer: async (m) => {
        const file = m[2] === undefined ? r.volumes.at(-1) : r.volumes[Number(m[2]) - 1];
        // The first medium of the guest is its drive.
        await monitor.command('eject -f m0');
        const said = await monitor.command(`change m0 "${file ?? ''}" raw`);
        if (/Error|Could not|[Nn]ot found/.test(said)) throw new CdrecError('DISC_CHANGE', `QEMU could not change the disc: ${said.trim()}`);
        await sleep(1500);
        if (++asked > 3 * r.volumes.length + 10) throw new CdrecError('DISC_CHANGE', 'the rescue system asks for discs again and again');
        return '';
      },
    });
    const lines = output.split('\n').map((l) => l.trim());
    this.remarks.push(...lines.filter((l) => /^(remark|exception when the backup was made|WARNING): /.test(l)));
    this.differences = lines.filter((l) => l.startsWith('DIFFERENT ')).map((l) => l.slice(10));
    this.checkedFiles = Number(/^CHECKED (\d+) files/m.exec(output)?.[1] ?? 0);
    if (status !== 0 && status !== 3) throw new CdrecError('RESTORE_FAILED', lines.find((l) => l.startsWith('cdrec: error'))?.replace(/^cdrec: error \w+: /, '') ?? `the restore ended with status ${String(status)}: ${lines.slice(-3).join(' ')}`);
  }

  /** The comparison was made at the end of the restore; its verdict is a stage of its own. */
  async judgeFiles(): Promise<boolean> {
    return this.stage('compare', () => {
      if (this.checkedFiles === 0) throw new CdrecError('NOT_COMPARED', 'no file was compared');
      if (this.differences.length > 0) throw new CdrecError('FILES_DIFFER', `${String(this.differences.length)} differences: ${this.differences.slice(0, 5).join('; ')}`);
    });
  }

  /** The restored disks alone: what starts, and what it says of itself. */
  async boot(): Promise<void> {
    let report = '';
    const booted = await this.stage('boot', () => this.#guest('Restored system', this.#disks(true), async (guest, monitor) => {
      report = await awaitReport(guest, monitor, { seconds: this.#seconds(480), scratch: this.path('screen.txt'), ...(this.#r.encrypted ? { passphrase: this.#passphrase } : {}) });
      await this.#shot('Restored system', monitor);
      await guest.ended(this.#seconds(180)).catch(() => undefined);
    }));
    if (!booted) return;
    const system = parseSystemReport(report);
    this.system = system;
    await this.stage('system', () => {
      const wrong = [
        ...(system.state === 'emergency' ? ['it started into emergency mode'] : []), ...system.missing.map((m) => `${m.split(' ')[0] as string} is not mounted (${m.split(' ').slice(1).join(' ')})`),
        ...(system.failedUnits.length > 0 ? [`failed units: ${system.failedUnits.join(', ')}`] : []), ...(system.swap === false ? ['swap is not in use'] : []),
      ];
      if (wrong.length > 0) throw new CdrecError('SYSTEM_NOT_WELL', `${wrong.join('; ')}${system.log.length > 0 ? `. Its log: ${system.log.slice(0, 4).join(' | ')}` : ''}`);
    });
  }

  result(): RehearsalResult {
    return {
      verdict: this.stages.every((s) => s.verdict === 'PASS') ? 'PASS' : 'FAIL', accelerator: this.#r.accelerator, firmware: this.#r.firmware, bus: this.#r.bus, disks: this.#r.disks, stages: this.stages,
      injected: [...INJECTED, ...(this.#r.more === undefined ? [] : ['further commands of the caller'])], checkedFiles: this.checkedFiles, differences: this.differences, remarks: this.remarks, system: this.system, screenshots: this.screenshots, logs: this.logs,
    };
  }

  clean(): void {
    for (const [i] of this.#r.disks.entries()) rmSync(this.path(`disk-${String(i)}`), { force: true });
    for (const name of ['rehearsal.iso', 'firmware-variables.fd']) rmSync(this.path(name), { force: true });
  }
}

/**
 * Rehearses a recovery: boots volume 1, restores onto blank disks, compares every file, boots the result without the medium and
 * has it say how it is. Nothing of the set is changed. Needs neither root nor KVM. A stage that fails ends it; the result says
 * which and why.
 * @throws CdrecError TOOL_MISSING; the reason of the signal when interrupted
 */
export async function rehearse(request: RehearsalRequest, before: readonly Stage[] = []): Promise<RehearsalResult> {
  mkdirSync(request.directory, { recursive: true });
  const rehearsal = new Rehearsal(request);
  rehearsal.stages.push(...before);
  try {
    if (before.every((s) => s.verdict === 'PASS')) {
      await rehearsal.makeDisks();
      const restored = await rehearsal.restore().catch((error: unknown) => rehearsal.stage('rescue', () => { throw error; }));
      if (restored && (await rehearsal.judgeFiles())) await rehearsal.boot();
    }
    // Whether the set was verified is the caller's to say (`before`).
    for (const id of Object.keys(STAGES) as StageId[]) if (id !== 'verify' && !rehearsal.stages.some((s) => s.id === id)) rehearsal.skip(id);
    return rehearsal.result();
  } finally {
    if (request.keep !== true) rehearsal.clean();
  }
}
