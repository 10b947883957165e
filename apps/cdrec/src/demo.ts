import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  attachImage, bootToLogin, bootToRescue, chooseAccelerator, compareEsp, compareTrees, Guest, makeBaseSystem, makeSampleDisk, mountedImage, powerOff, SAMPLES, withMounts,
  type Accelerator, type Medium, type SampleName, type TreeComparison,
} from '@cdrec/rehearse';
import { CdrecError, runTool } from '@cdrec/tool';
import { formatBytes, formatSeconds, type Terminal } from './terminal.js';

/** What the demo does, and where. */
export interface DemoRequest {
  readonly sample: SampleName;
  readonly dir: string;
  readonly cache: string;
  readonly inside: boolean;
  readonly volumeSize: string;
  readonly keep: boolean;
  readonly uefiBoot: boolean;
  readonly bundle: string;
}

interface Stage { readonly name: string; readonly seconds: number }

/** One run of the whole job; its report says what was done, how long it took, and what differs. */
class Demo {
  readonly #r: DemoRequest;
  readonly #terminal: Terminal;
  readonly stages: Stage[] = [];
  readonly remarks: string[] = [];
  volumes: string[] = [];
  since = 0;
  #accelerator: Accelerator = 'tcg';

  constructor(request: DemoRequest, terminal: Terminal) {
    this.#r = request;
    this.#terminal = terminal;
  }

  get accelerator(): Accelerator {
    return this.#accelerator;
  }

  path(name: string): string {
    return join(this.#r.dir, name);
  }

  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#terminal.say(`${name} ...`);
    const started = Date.now();
    const result = await work();
    const seconds = Math.round((Date.now() - started) / 100) / 10;
    this.stages.push({ name, seconds });
    this.#terminal.say(`  ${formatSeconds(seconds)}`);
    return result;
  }

  async probe(): Promise<void> {
    this.#accelerator = await chooseAccelerator();
    this.#terminal.say(`  guests run by ${this.#accelerator === 'kvm' ? 'KVM' : 'emulation (TCG): /dev/kvm is missing or does not run a guest'}`);
  }

  guest(name: string, media: readonly Medium[], memoryMiB = 1024): Promise<Guest> {
    return Guest.start({ accelerator: this.#accelerator, firmware: SAMPLES[this.#r.sample].firmware, memoryMiB, media, log: this.path(`${name}.log`), variables: this.path(`${name}.vars.fd`) });
  }

  async makeSample(): Promise<void> {
    const base = await makeBaseSystem(this.#r.cache);
    await makeSampleDisk({ name: this.#r.sample, base, image: this.path('original.img'), work: this.#r.dir, node: process.execPath, bundle: this.#r.bundle });
  }

  /** \`cdrec build\` in a chroot of the sample's disk: its own programs, its own disk, nothing of the host's. */
  async buildOutside(): Promise<void> {
    await using loop = await attachImage(this.path('original.img'));
    const root = this.path('root');
    const set = this.path('set');
    mkdirSync(set, { recursive: true });
    const parts = SAMPLES[this.#r.sample].partitions.filter((p) => p.mount !== '').map((p) => ['-t', p.type, '-o', 'noatime', loop.partition(p.number), join(root, p.mount)]);
    await withMounts([...parts, ['--bind', '/dev', join(root, 'dev')], ['--bind', '/proc', join(root, 'proc')], ['--bind', '/sys', join(root, 'sys')], ['--bind', set, join(root, 'mnt')]], async () => {
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1) as string;
      const { stderr } = await runTool('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--volume-size', this.#r.volumeSize, '--overwrite'], { env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' } });
      this.remarks.push(...stderr.split('\n').filter((l) => /warning|exception/.test(l)));
    });
    this.volumes = readdirSync(set).filter((n) => n.endsWith('.iso')).sort().map((n) => join(set, n));
  }

  /** \`cdrec build\` inside the booted sample, onto a second disk. */
  async buildInside(): Promise<void> {
    const store = this.path('store.img');
    await runTool('truncate', ['-s', '2G', store]);
    await runTool('mkfs.ext4', ['-q', '-F', store]);
    {
      await using guest = await this.guest('build', [{ file: this.path('original.img'), as: 'virtio', boot: true, serial: 'CDREC-ORIGINAL' }, { file: store, as: 'virtio' }]);
      await bootToLogin(guest);
      await guest.must('mount /dev/vdb /mnt', 60);
      const tested = await guest.run('cdrec test --out /mnt --exclude-mount /mnt', 300);
      if (tested.status !== 0) throw new CdrecError('DEMO_TEST', `"cdrec test" in the sample failed:\n${tested.output}`);
      await guest.must('date +%s > /mnt/since; sync', 60);
      const { status, output } = await guest.run(`TERM=dumb cdrec build --mode iso --out /mnt --exclude-mount /mnt --volume-size ${this.#r.volumeSize}`, 1500);
      this.#terminal.say(output.split('\n').map((l) => `    ${l}`).join('\n').trimEnd());
      if (status !== 0 && status !== 3) throw new CdrecError('DEMO_BUILD', `"cdrec build" in the sample ended with status ${String(status)}`);
      this.remarks.push(...output.split('\n').filter((l) => /warning|exception/.test(l)));
      await guest.must('umount /mnt', 120);
      await powerOff(guest);
    }
    const set = this.path('set');
    mkdirSync(set, { recursive: true });
    await mountedImage(store, [{ number: 0, type: 'ext4', mount: '/' }], this.path('root'), async () => {
      await runTool('bash', ['-c', 'cp --sparse=always "$1"/*.iso "$2"/ && cp "$1"/since "$2"/', 'copy', this.path('root'), set]);
    });
    rmSync(store);
    this.since = Number((await runTool('cat', [join(set, 'since')])).stdout) * 1000;
    this.volumes = readdirSync(set).filter((n) => n.endsWith('.iso')).sort((a, b) => Number(/_(\d+)\.iso$/.exec(a)?.[1]) - Number(/_(\d+)\.iso$/.exec(b)?.[1])).map((n) => join(set, n));
  }

  /** Boots volume 1 with the other volumes in further drives, restores onto a blank, slightly larger disk. */
  async restore(): Promise<void> {
    rmSync(this.path('restored.img'), { force: true });
    await runTool('truncate', ['-s', String(SAMPLES[this.#r.sample].bytes + 64 * 2 ** 20), this.path('restored.img')]);
    const [first, ...others] = this.volumes;
    await using guest = await this.guest('restore', [
      { file: first as string, as: 'cdrom', boot: true }, ...others.map((file): Medium => ({ file, as: 'virtio', readonly: true })), { file: this.path('restored.img'), as: 'virtio', serial: 'CDREC-RESTORED' },
    ]);
    await this.stage('Boot of the recovery set', () => bootToRescue(guest));
    await this.stage('Restore onto a blank disk', async () => {
      // As a person does it: the name of the disk is typed after the plan was shown.
      const { output, status } = await guest.run('TERM=dumb start-restore', 1500, [{ question: /type the name of the disk \((\S+)\): /, answer: (m) => m[1] as string }]);
      this.#terminal.say(output.split('\n').filter((l) => l.trim() !== '').map((l) => `    ${l}`).join('\n'));
      if (status !== 0 && status !== 3) throw new CdrecError('DEMO_RESTORE', `start-restore ended with status ${String(status)}`);
    });
    await powerOff(guest);
  }

  /** Boots the same volume 1 by UEFI to the rescue prompt, where node and cdrec must answer. */
  async bootByUefi(): Promise<void> {
    rmSync(this.path('uefi.vars.fd'), { force: true });
    await using guest = await Guest.start({ accelerator: this.#accelerator, firmware: 'uefi', memoryMiB: 1024, media: [{ file: this.volumes[0] as string, as: 'cdrom', boot: true }], log: this.path('uefi.log'), variables: this.path('uefi.vars.fd') });
    await bootToRescue(guest);
    await guest.must('node --version && cdrec --version', 120);
    await powerOff(guest);
  }

  async compare(): Promise<TreeComparison> {
    const { partitions } = SAMPLES[this.#r.sample];
    const total = { entries: 0, bytes: 0, differences: [] as string[], changed: [] as string[] };
    await using a = await attachImage(this.path('original.img'), true);
    await using b = await attachImage(this.path('restored.img'), true);
    for (const p of partitions.filter((x) => x.mount !== '')) {
      const one = p.type === 'vfat' ? await compareEsp(a.partition(p.number), b.partition(p.number)) : await this.#compareMounted(p.type, a.partition(p.number), b.partition(p.number));
      total.entries += one.entries;
      total.bytes += one.bytes;
      total.differences.push(...one.differences.map((d) => `${p.mount} ${d}`));
      total.changed.push(...one.changed.map((d) => `${p.mount} ${d}`));
    }
    for (const p of partitions) {
      const uuid = async (device: string): Promise<string> => (await runTool('blkid', ['-p', '-o', 'value', '-s', 'UUID', '-s', 'LABEL', device])).stdout;
      if ((await uuid(a.partition(p.number))) !== (await uuid(b.partition(p.number)))) total.differences.push(`UUID or label of partition ${String(p.number)} differs`);
    }
    const dump = async (d: string): Promise<string> => (await runTool('sfdisk', ['--dump', d])).stdout.replace(/^(device|last-lba):.*\n/gm, '').replaceAll(d, '');
    if ((await dump(a.device)) !== (await dump(b.device))) total.differences.push('the partition tables differ');
    return total;
  }

  async #compareMounted(type: string, left: string, right: string): Promise<TreeComparison> {
    const options = type === 'xfs' ? 'ro,norecovery,nouuid' : 'ro,noload';
    return withMounts([['-t', type, '-o', options, left, this.path('a')], ['-t', type, '-o', options, right, this.path('b')]], () =>
      compareTrees(this.path('a'), this.path('b'), { oneFileSystem: true, without: ['./tmp'], ...(this.since > 0 ? { since: this.since } : {}) }));
  }

  /** Boots the restored disk alone: login prompt, no failed unit, mounts and swap as in fstab. */
  async bootRestored(): Promise<string> {
    await using guest = await this.guest('restored', [{ file: this.path('restored.img'), as: 'virtio', boot: true, discard: true }]);
    await bootToLogin(guest);
    const state = (await guest.run('systemctl is-system-running --wait', 240)).output.trim();
    const failed = (await guest.must('systemctl --failed --no-legend --plain', 60)).trim();
    if (failed !== '') throw new CdrecError('DEMO_UNITS', `failed units in the restored system:\n${failed}`);
    await guest.must('findmnt --verify --verbose > /dev/null || findmnt --verify', 60);
    if (SAMPLES[this.#r.sample].partitions.some((p) => p.type === 'swap')) await guest.must('grep -q partition /proc/swaps', 30);
    await powerOff(guest);
    return state;
  }
}

/** Runs the demo and writes report.json; true when the restored system booted and not one file differs. */
export async function runDemo(request: DemoRequest, terminal: Terminal): Promise<boolean> {
  mkdirSync(request.dir, { recursive: true });
  rmSync(join(request.dir, 'set'), { recursive: true, force: true });
  for (const name of ['build', 'restore', 'restored']) rmSync(join(request.dir, `${name}.vars.fd`), { force: true });
  const demo = new Demo(request, terminal);
  const started = Date.now();
  let comparison: TreeComparison | undefined;
  let state = 'not reached';
  try {
    await demo.stage('Probe of the virtual machine', () => demo.probe());
    await demo.stage(`Sample system ${request.sample}`, () => demo.makeSample());
    await demo.stage(`cdrec build ${request.inside ? 'inside the booted sample' : 'in the sample (chroot)'}`, () => (request.inside ? demo.buildInside() : demo.buildOutside()));
    await demo.restore();
    const compared = await demo.stage('Comparison of every file', () => demo.compare());
    comparison = compared;
    state = await demo.stage('Boot of the restored disk', () => demo.bootRestored());
    if (request.uefiBoot) await demo.stage('Boot of the same set by UEFI', () => demo.bootByUefi());
  } finally {
    const report = { sample: request.sample, accelerator: demo.accelerator, stages: demo.stages, seconds: (Date.now() - started) / 1000, volumes: demo.volumes.map((path) => ({ path, bytes: statSync(path).size })), comparison, systemState: state, remarks: demo.remarks };
    writeFileSync(join(request.dir, 'report.json'), JSON.stringify(report, null, 1) + '\n');
    if (!request.keep) for (const name of ['original.img', 'restored.img', 'store.img']) rmSync(join(request.dir, name), { force: true });
  }
  for (const d of comparison.differences.slice(0, 50)) terminal.print(`DIFFERENT ${d}`);
  for (const c of comparison.changed.slice(0, 50)) terminal.say(`changed after the backup began, not judged: ${c}`);
  for (const s of demo.stages) terminal.print(`${s.name.padEnd(42)} ${formatSeconds(s.seconds)}`);
  for (const path of demo.volumes) terminal.print(`${path}  ${formatBytes(statSync(path).size)}`);
  terminal.print(`Report: ${join(request.dir, 'report.json')}`);
  terminal.print(`${String(comparison.entries)} files compared (content, owner, mode, mtime, links, xattrs, ACLs, capabilities): ${String(comparison.differences.length)} differences${comparison.changed.length > 0 ? `; ${String(comparison.changed.length)} changed after the backup began` : ''}. The restored system booted (${state}).`);
  return comparison.differences.length === 0;
}
