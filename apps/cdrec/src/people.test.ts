import { describe, expect, it } from 'vitest';
import { fixCommand } from './checks/fix.ts';
import { groupOf, type Check } from './checks/check.ts';
import { estimate } from './estimate.ts';
import { fitted } from './terminal.ts';

describe('a line of progress', () => {
  it('shows as much of a name as there is room for, its end first, and nothing that a terminal obeys', () => {
    expect(fitted('Backup of /: 10 %', '/etc/passwd', 60)).toBe('Backup of /: 10 %  /etc/passwd');
    const cut = fitted('Backup of /: 10 %', `/usr/lib/${'x'.repeat(80)}/end`, 60);
    expect(cut.length).toBe(60);
    expect(cut).toMatch(/^Backup of \/: 10 % {2}\.\.\.x+\/end$/);
    expect(fitted('Backup', '/a\x1b[2Jb\nc', 60)).toBe('Backup  /a?[2Jb?c');
    expect(fitted('x'.repeat(70), '/etc/passwd', 60)).toBe('x'.repeat(60));
    expect(fitted('Backup', undefined, 60)).toBe('Backup');
  });
});

describe('an estimate', () => {
  const mib = 2 ** 20;
  it('counts data, rescue system, volumes and seconds', () => {
    const e = estimate(1000 * mib, { ratio: 0.5, bytesPerSecond: 50 * mib }, 300 * mib);
    expect(e.bytes).toBe(600 * mib);
    expect(e.volumes).toBe(3);
    expect(e.seconds).toBe(50);
    expect(estimate(0, { ratio: 0.5, bytesPerSecond: 1 }, 4000 * mib)).toMatchObject({ volumes: 1, seconds: 30 });
  });
});

describe('cdrec test --fix', () => {
  const check = (id: string, status: Check['status'], missing?: string[]): Check => ({ id, group: groupOf(id), status, message: '', ...(missing === undefined ? {} : { missing }) });
  const checks = [check('program.mksquashfs', 'FAIL', ['mksquashfs']), check('boot.bios', 'FAIL', ['isolinux.bin', 'ldlinux.c32']), check('boot.secure-boot', 'WARN', ['shim']), check('program.zstd', 'PASS', ['zstd']), check('kernel', 'FAIL')];
  it('installs the packages of the distribution for what failed, each once, and nothing else', () => {
    expect(fixCommand(checks, 'ID=debian\n')).toEqual(['apt-get', 'install', '--yes', '--no-install-recommends', 'isolinux', 'squashfs-tools', 'syslinux-common']);
    expect(fixCommand(checks, 'ID="rocky"\nID_LIKE="rhel centos fedora"\n')).toEqual(['dnf', 'install', '--assumeyes', 'squashfs-tools', 'syslinux']);
    expect(fixCommand(checks, 'ID=manjaro\nID_LIKE=arch\n')?.slice(0, 4)).toEqual(['pacman', '-S', '--needed', '--noconfirm']);
    expect(fixCommand(checks, 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n')).toEqual(['zypper', '--non-interactive', 'install', 'squashfs', 'syslinux']);
    expect(fixCommand([check('kernel', 'FAIL')], 'ID=debian\n')).toBeUndefined();
    expect(() => fixCommand(checks, 'ID=plan9\n')).toThrow(/package manager of this distribution is not known/);
  });
});
