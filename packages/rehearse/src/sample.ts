import { appendFileSync, chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool } from '@cdrec/tool';
import { attachImage, waitForNode, withMounts, type AttachedImage } from './loop.js';
import { plantTorture } from './torture.js';

/** A partition of a sample: number, file system, mount point (empty for swap). */
interface SamplePartition { readonly number: number; readonly type: string; readonly mount: string; readonly uuid: string; readonly label: string; readonly fstab?: string }

/** A kind of sample machine. */
export interface Sample {
  readonly firmware: 'bios' | 'uefi';
  readonly bytes: number;
  readonly table: string;
  readonly partitions: readonly SamplePartition[];
}
export type SampleName = 'bios-ext4' | 'bios-logical' | 'uefi-xfs';

/** The simplest real machines: BIOS with one file system; BIOS with logical partitions; UEFI with ESP, /boot, xfs and swap. */
export const SAMPLES: Readonly<Record<SampleName, Sample>> = {
  'bios-ext4': {
    firmware: 'bios', bytes: 2 * 2 ** 30, table: 'label: dos\nlabel-id: 0xcdec0001\nstart=2048, type=83, bootable\n',
    partitions: [{ number: 1, type: 'ext4', mount: '/', uuid: 'aaaaaaaa-0001-4000-8000-000000000001', label: 'rootA' }],
  },
  'bios-logical': {
    firmware: 'bios', bytes: 2.5 * 2 ** 30,
    table: 'label: dos\nlabel-id: 0xcdec0003\n1 : start=2048, size=1400M, type=83, bootable\n2 : type=5\n5 : size=200M, type=83\n6 : size=500M, type=83\n7 : size=64M, type=82\n',
    partitions: [
      { number: 1, type: 'ext4', mount: '/', uuid: 'cccccccc-0001-4000-8000-000000000001', label: 'rootC' },
      { number: 5, type: 'ext3', mount: '/home', uuid: 'cccccccc-0005-4000-8000-000000000005', label: 'homeC', fstab: 'PARTUUID=cdec0003-05' },
      { number: 6, type: 'xfs', mount: '/var', uuid: 'cccccccc-0006-4000-8000-000000000006', label: 'varC', fstab: 'LABEL=varC' },
      { number: 7, type: 'swap', mount: '', uuid: 'cccccccc-0007-4000-8000-000000000007', label: 'swapC' },
    ],
  },
  'uefi-xfs': {
    firmware: 'uefi', bytes: 2.5 * 2 ** 30,
    table: 'label: gpt\nlabel-id: CDEC0002-0000-4000-8000-00000000000B\nstart=2048, size=64M, type=uefi, uuid=CDEC0002-0001-4000-8000-00000000000B, name="EFI System"\nsize=256M, type=linux, uuid=CDEC0002-0002-4000-8000-00000000000B, name="boot"\nsize=128M, type=swap, uuid=CDEC0002-0004-4000-8000-00000000000B, name="swap"\ntype=linux, uuid=CDEC0002-0003-4000-8000-00000000000B, name="root"\n',
    partitions: [
      { number: 4, type: 'xfs', mount: '/', uuid: 'bbbbbbbb-0003-4000-8000-000000000003', label: 'rootB' },
      { number: 2, type: 'ext4', mount: '/boot', uuid: 'bbbbbbbb-0002-4000-8000-000000000002', label: 'bootB' },
      { number: 1, type: 'vfat', mount: '/boot/efi', uuid: 'BEEF-0001', label: 'ESP' },
      { number: 3, type: 'swap', mount: '', uuid: 'bbbbbbbb-0004-4000-8000-000000000004', label: 'swapB' },
    ],
  },
};

const GRUB_DEFAULTS = `GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
GRUB_TERMINAL="serial console"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true
`;

/** Where things for a sample come from, and where its image goes. */
export interface SampleOptions {
  readonly name: SampleName;
  readonly base: string;
  readonly image: string;
  /** Directory for temporary mounts. */
  readonly work: string;
  /** node and the directory of the bundled CLI, installed into the sample as an administrator would have them. */
  readonly node: string;
  readonly bundle: string;
}

/** Makes a bootable sample disk: partitions, file systems, Debian, boot loader, and files that are hard to keep. */
export async function makeSampleDisk(options: SampleOptions): Promise<void> {
  const sample = SAMPLES[options.name];
  rmSync(options.image, { force: true });
  await runTool('truncate', ['-s', String(sample.bytes), options.image]);
  await runTool('sfdisk', ['--quiet', options.image], { input: sample.table });
  await using loop = await attachImage(options.image);
  for (const p of sample.partitions) await waitForNode(loop.partition(p.number));
  for (const p of sample.partitions) await makeFileSystem(p, loop.partition(p.number));
  const root = join(options.work, 'sample-root');
  const mountable = sample.partitions.filter((p) => p.mount !== '' && p.type !== 'vfat');
  await withMounts(mountable.map((p) => ['-t', p.type, loop.partition(p.number), join(root, p.mount)]), async () => {
    await runTool('tar', ['--extract', '--file', options.base, '--directory', root, '--numeric-owner', '--xattrs', '--xattrs-include=*']);
    configure(sample, options, root);
    await runTool('chroot', [root, 'chpasswd'], { input: 'root:cdrec\n' });
    for (const place of ['srv', ...mountable.filter((p) => p.mount !== '/' && p.mount !== '/boot').map((p) => p.mount)]) await plantTorture(join(root, place));
    await alone('/run/cdrec-sample.lock', () => installBootLoader(sample, loop, root));
  });
}

async function makeFileSystem(p: SamplePartition, device: string): Promise<void> {
  switch (p.type) {
    case 'ext3': case 'ext4': await runTool(`mkfs.${p.type}`, ['-q', '-F', '-L', p.label, '-U', p.uuid, device]); break;
    case 'xfs': await runTool('mkfs.xfs', ['-q', '-f', '-L', p.label, '-m', `uuid=${p.uuid}`, device]); break;
    case 'vfat': await runTool('mkfs.vfat', ['-F32', '-i', p.uuid.replace('-', ''), '-n', p.label, device]); break;
    default: await runTool('mkswap', ['-U', p.uuid, '-L', p.label, device]);
  }
}

function configure(sample: Sample, options: SampleOptions, root: string): void {
  const fstab = sample.partitions.map((p) => p.mount === '' ? `UUID=${p.uuid} none swap sw 0 0` : `${p.fstab ?? `UUID=${p.uuid}`} ${p.mount} ${p.type} ${p.type === 'vfat' ? 'umask=0077' : 'defaults'} 0 ${p.mount === '/' ? '1' : '2'}`);
  writeFileSync(join(root, 'etc/fstab'), fstab.join('\n') + '\n');
  writeFileSync(join(root, 'etc/hostname'), `sample-${options.name}\n`);
  writeFileSync(join(root, 'etc/default/grub'), GRUB_DEFAULTS);
  // An emulated processor beside others may take minutes to find the disks (systemd-system.conf(5)).
  if (existsSync(join(root, 'etc/systemd'))) {
    mkdirSync(join(root, 'etc/systemd/system.conf.d'), { recursive: true });
    writeFileSync(join(root, 'etc/systemd/system.conf.d/slow.conf'), '[Manager]\nDefaultTimeoutStartSec=900\nDefaultDeviceTimeoutSec=900\n');
  }
  // sysvinit has no terminal on the serial line by itself.
  if (existsSync(join(root, 'etc/inittab'))) appendFileSync(join(root, 'etc/inittab'), 'T0:2345:respawn:/sbin/getty -L ttyS0 115200 vt102\n');
  mkdirSync(join(root, 'boot/efi'), { recursive: true });
  copyFileSync(options.node, join(root, 'usr/local/bin/node'));
  cpSync(options.bundle, join(root, 'usr/lib/cdrec'), { recursive: true });
  writeFileSync(join(root, 'usr/local/bin/cdrec'), '#!/bin/sh\nexec /usr/local/bin/node --no-warnings /usr/lib/cdrec/cdrec.mjs "$@"\n');
  chmodSync(join(root, 'usr/local/bin/cdrec'), 0o755);
}

/** GRUB as the sample's own tools install it; on the ESP by mtools, because the host's kernel may not know vfat. */
async function installBootLoader(sample: Sample, loop: AttachedImage, root: string): Promise<void> {
  const rootPartition = sample.partitions.find((p) => p.mount === '/') as SamplePartition;
  const bootPartition = sample.partitions.find((p) => p.mount === '/boot') ?? rootPartition;
  // update-grub writes UUIDs only where /dev/disk/by-uuid knows the device, and no udev runs here.
  const links = [rootPartition, bootPartition].map((p) => ({ path: `/dev/disk/by-uuid/${p.uuid}`, target: loop.partition(p.number) }));
  mkdirSync('/dev/disk/by-uuid', { recursive: true });
  for (const l of links) if (!existsSync(l.path)) symlinkSync(l.target, l.path);
  try {
    await withMounts([['--bind', '/dev', join(root, 'dev')], ['--bind', '/proc', join(root, 'proc')], ['--bind', '/sys', join(root, 'sys')]], async () => {
      if (sample.firmware === 'bios') await runTool('chroot', [root, 'grub-install', '--target=i386-pc', loop.device]);
      else await installEfi(sample, loop, root, bootPartition.uuid);
      await runTool('chroot', [root, 'update-grub']);
    });
  } finally {
    for (const l of links) rmSync(l.path, { force: true });
    // Another sample may be made beside this one.
    if (existsSync('/dev/disk/by-uuid') && readdirSync('/dev/disk/by-uuid').length === 0) rmSync('/dev/disk/by-uuid', { recursive: true });
  }
}

/** Runs `work` while a lock file is held: samples have the same UUIDs, and two at once would take each other's devices for their own. That of a dead process counts nothing. */
async function alone(path: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const holder = existsSync(path) ? readFileSync(path, 'latin1') : '';
      if (/^\d+$/.test(holder) && !existsSync(`/proc/${holder}`)) rmSync(path, { force: true });
      await sleep(200);
    }
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function installEfi(sample: Sample, loop: AttachedImage, root: string, bootUuid: string): Promise<void> {
  const esp = loop.partition((sample.partitions.find((p) => p.type === 'vfat') as SamplePartition).number);
  mkdirSync(join(root, 'boot/grub'), { recursive: true });
  await runTool('cp', ['-a', join(root, 'usr/lib/grub/x86_64-efi'), join(root, 'boot/grub/')]);
  writeFileSync(join(root, 'tmp/early.cfg'), `search.fs_uuid ${bootUuid} root\nset prefix=($root)/grub\n`);
  await runTool('chroot', [root, 'grub-mkimage', '-O', 'x86_64-efi', '-o', '/tmp/grubx64.efi', '-c', '/tmp/early.cfg', '-p', '/grub', 'ext2', 'part_gpt', 'search', 'search_fs_uuid', 'normal', 'configfile', 'fat']);
  const env = { MTOOLS_SKIP_CHECK: '1' };
  await runTool('mmd', ['-i', esp, '::/EFI', '::/EFI/debian'], { env });
  await runTool('mcopy', ['-i', esp, join(root, 'tmp/grubx64.efi'), '::/EFI/debian/grubx64.efi'], { env });
  await runTool('mmd', ['-i', esp, '::/EFI/BOOT'], { env });
  await runTool('mcopy', ['-i', esp, join(root, 'tmp/grubx64.efi'), '::/EFI/BOOT/BOOTX64.EFI'], { env });
  for (const f of ['tmp/early.cfg', 'tmp/grubx64.efi']) rmSync(join(root, f));
}
