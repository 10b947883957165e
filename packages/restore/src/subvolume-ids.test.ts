import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLineByPath, fstabByPath, rewriteSubvolumeIds } from './subvolume-ids.ts';

const of = (mount: string, id: number, path: string, uuid = 'u-1') => ({ uuid, label: 'top', mount, id, path });
const subvolumes = [of('/', 256, '@'), of('/home', 260, '@home'), of('/srv', 256, 'data', 'u-2')];

describe('numbers of subvolumes', () => {
  it('give way to paths in fstab: a number beside a path goes, one alone becomes the path', () => {
    expect(fstabByPath(`# UUID=u-1 / btrfs subvolid=256
UUID=u-1\t/\tbtrfs\trw,subvolid=256,subvol=/@,compress=zstd\t0 0
UUID=u-1 /home btrfs subvolid=260 0 0
UUID=u-2 /srv btrfs rw,subvolid=256 0 0
LABEL=top /mnt/top btrfs noauto,subvolid=5 0 0
UUID=u-1 /var/old btrfs subvolid=999 0 0
UUID=x /boot ext4 subvolid=256 0 2
`, subvolumes)).toBe(`# UUID=u-1 / btrfs subvolid=256
UUID=u-1\t/\tbtrfs\trw,subvol=/@,compress=zstd\t0 0
UUID=u-1 /home btrfs subvol=/@home 0 0
UUID=u-2 /srv btrfs rw,subvol=/data 0 0
LABEL=top /mnt/top btrfs noauto,subvolid=5 0 0
UUID=u-1 /var/old btrfs subvolid=999 0 0
UUID=x /boot ext4 subvolid=256 0 2
`);
  });
  it('and on command lines of the kernel, of the root only', () => {
    expect(commandLineByPath('GRUB_CMDLINE_LINUX="quiet rootflags=subvolid=256,ssd"\nlinux /vmlinuz rootflags=subvol=@,subvolid=0x100 ro\nrootflags=subvolid=260\n', subvolumes))
      .toBe('GRUB_CMDLINE_LINUX="quiet rootflags=subvol=/@,ssd"\nlinux /vmlinuz rootflags=subvol=@ ro\nrootflags=subvolid=260\n');
  });
  it('in the files of a system, and it is said where', () => {
    const root = mkdtempSync(join(tmpdir(), 'cdrec-subvolumes-'));
    const put = (path: string, text: string): void => { mkdirSync(dirname(join(root, path)), { recursive: true }); writeFileSync(join(root, path), text); };
    put('etc/fstab', 'UUID=u-1 / btrfs subvolid=256,subvol=@ 0 0\n');
    put('boot/loader/entries/a.conf', 'options root=UUID=u-1 rootflags=subvolid=256\n');
    put('etc/default/grub', 'GRUB_CMDLINE_LINUX=""\n');
    expect(rewriteSubvolumeIds(root, subvolumes).map((l) => l.split(':')[0])).toEqual(['/etc/fstab', '/boot/loader/entries/a.conf']);
    expect(readFileSync(join(root, 'boot/loader/entries/a.conf'), 'utf8')).toBe('options root=UUID=u-1 rootflags=subvol=/@\n');
    rmSync(root, { recursive: true });
  });
});
