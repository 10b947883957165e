import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '@cdrec/tool';

/** Packages of the sample system: a small Debian with everything that `cdrec build` needs. */
const PACKAGES = [
  'linux-image-amd64', 'systemd-sysv', 'udev', 'dbus', 'grub-pc-bin', 'grub-efi-amd64-bin', 'grub2-common', 'e2fsprogs', 'xfsprogs', 'dosfstools', 'fdisk', 'isolinux', 'syslinux-common',
  'squashfs-tools', 'zstd', 'kmod', 'iproute2', 'attr', 'acl', 'libcap2-bin', 'efibootmgr', 'login', 'passwd', 'initramfs-tools', 'procps',
  // Every boot road of a medium, and what the rescue system takes along for network, SSH and keyboard.
  'shim-signed', 'grub-efi-amd64-signed', 'memtest86+', 'syslinux', 'pxelinux', 'mtools', 'isc-dhcp-client', 'openssh-server', 'kbd', 'console-setup', 'busybox',
  // Tapes, discs, encryption.
  'mt-st', 'age', 'xorriso', 'growisofs', 'eject',
];
/** Where the kernel modules of every release lie, in its packages; Debian 13's have them compressed, and below /usr. */
const MODULES = '/lib/modules/*/kernel';
/** Kernel modules and documentation that a sample has no use for: they would only make every emulated step longer. */
const EXCLUDED = [
  ...['drivers/gpu', 'drivers/media', 'sound', 'drivers/net/wireless', 'drivers/staging', 'drivers/isdn', 'drivers/infiniband', 'drivers/iio', 'drivers/net/ethernet', 'drivers/net/can', 'drivers/net/usb', 'drivers/net/wwan', 'drivers/hwmon',
    'drivers/input/joystick', 'drivers/input/touchscreen', 'drivers/input/tablet', 'drivers/platform', 'drivers/comedi', 'drivers/mtd', 'drivers/target', 'drivers/video', 'drivers/bluetooth', 'drivers/leds', 'drivers/thunderbolt', 'drivers/scsi', 'drivers/md', 'drivers/usb/serial', 'drivers/usb/gadget',
    'drivers/message', 'drivers/firewire', 'drivers/mmc', 'drivers/power', 'drivers/mfd', 'drivers/i2c', 'drivers/edac', 'drivers/crypto', 'drivers/misc', 'drivers/block/drbd', 'drivers/hid',
    'net/bluetooth', 'net/mac80211', 'net/wireless', 'net/netfilter', 'net/sched', 'net/ipv4/netfilter', 'net/ipv6/netfilter', 'net/bridge', 'net/openvswitch', 'net/sctp', 'net/tipc', 'net/batman-adv', 'net/ceph', 'net/sunrpc', 'net/rxrpc',
    'fs/ocfs2', 'fs/ceph', 'fs/gfs2', 'fs/cifs', 'fs/nfs', 'fs/nfsd', 'fs/smb', 'fs/reiserfs', 'fs/jfs', 'fs/ubifs', 'fs/jffs2', 'fs/btrfs', 'fs/f2fs', 'fs/nilfs2', 'fs/udf', 'fs/hfs', 'fs/hfsplus', 'fs/ntfs', 'fs/ntfs3', 'fs/afs', 'fs/dlm', 'fs/orangefs', 'fs/coda',
  ].map((d) => `${MODULES}/${d}/*`),
  '/usr/share/man/*', '/usr/share/doc/*', '/usr/share/locale/*', '/usr/share/info/*', '/usr/lib/grub/i386-pc/*.module', '/usr/lib/syslinux/modules/efi*',
];
/** What a sample with arrays, volume groups, encryption and further file systems has besides: packages, and the modules that must stay. */
export const STACK_PACKAGES: readonly string[] = ['mdadm', 'lvm2', 'cryptsetup', 'cryptsetup-initramfs', 'btrfs-progs', 'f2fs-tools', 'thin-provisioning-tools', 'ntfs-3g', 'partclone', 'par2'];
export const STACK_MODULES: readonly string[] = ['drivers/md', 'fs/btrfs', 'fs/f2fs'];

/** Modules that must stay although their directory goes: what the road to the disks needs. */
const KEPT = ['drivers/scsi/sd_mod', 'drivers/scsi/sr_mod', 'drivers/scsi/scsi_mod', 'drivers/scsi/scsi_common', 'drivers/scsi/virtio_scsi', 'drivers/scsi/sg', 'drivers/scsi/st', 'drivers/hid/hid', 'drivers/hid/usbhid/usbhid', 'drivers/hid/hid-generic', 'drivers/i2c/busses/i2c-i801', 'drivers/i2c/i2c-smbus'].map((m) => `${MODULES}/${m}.ko`);
/** Below /lib or /usr/lib, as they are or compressed. */
const everywhere = (pattern: string): string[] => (pattern.startsWith('/lib/') ? [pattern, `/usr${pattern}`].flatMap((p) => (p.endsWith('.ko') ? [p, `${p}.*`] : [p])) : [pattern]);

/** A distribution that a sample can be made of: one that mmdebstrap knows by the name of its suite (distro-info-data has the newer ones). */
export interface Distribution {
  readonly suite: string;
  /** Other components than main. */
  readonly components?: readonly string[];
  /** What its packages are signed with, where this machine's apt does not know it. */
  readonly keyring?: string;
  /** Packages as in `more`: what is named otherwise there. */
  readonly packages?: readonly string[];
  /** Options of apt.conf(5). */
  readonly apt?: readonly string[];
}
const BOOKWORM: Distribution = { suite: 'bookworm' };

/**
 * Makes the sample system's root as a tar file (about two minutes, from Debian's packages), or takes the one made
 * before from the same list. `more` are further packages, or with a minus
 * behind their names those to leave out; of kernel modules those in `keep` (directories below kernel/) stay
 * in, or all: a system as Debian installs it. `release` is Debian 12 if nothing else is said.
 * Returns its path.
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED
 */
export async function makeBaseSystem(cache: string, more: readonly string[] = [], keep: readonly string[] | 'all' = [], release: Distribution = BOOKWORM): Promise<string> {
  const asked = [...more, ...(release.packages ?? [])];
  const without = asked.filter((p) => p.endsWith('-')).map((p) => p.slice(0, -1));
  const packages = [...PACKAGES, ...asked].filter((p) => !p.endsWith('-') && !without.includes(p));
  const [excluded, kept] = keep === 'all' ? [[], []] : [EXCLUDED.filter((e) => !keep.some((k) => e === `${MODULES}/${k}/*`)), KEPT];
  const key = createHash('sha256').update(JSON.stringify([packages, excluded, kept, ...(release.suite === 'bookworm' ? [] : [release.suite])])).digest('hex').slice(0, 12);
  const tar = join(cache, `sample-${key}.tar`);
  if (existsSync(tar)) return tar;
  mkdirSync(cache, { recursive: true });
  await runTool('mmdebstrap', [
    '--quiet', '--variant=minbase', '--aptopt=Apt::Install-Recommends "false"', ...excluded.flatMap(everywhere).map((p) => `--dpkgopt=path-exclude=${p}`), ...kept.flatMap(everywhere).map((p) => `--dpkgopt=path-include=${p}`),
    '--dpkgopt=force-unsafe-io', `--include=${packages.join(',')}`, ...(release.components === undefined ? [] : [`--components=main,${release.components.join(',')}`]), ...(release.keyring === undefined ? [] : [`--keyring=${release.keyring}`]), ...(release.apt ?? []).map((o) => `--aptopt=${o}`),
    release.suite, `${tar}.partial`, '--format=tar',
  ]);
  renameSync(`${tar}.partial`, tar);
  return tar;
}
