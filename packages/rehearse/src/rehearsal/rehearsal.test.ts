import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsoImage, writeImageFile } from '@cdrec/iso9660';
import { describe, expect, it } from 'vitest';
import { isSignedBy, parseRehearsal, parseSystemReport, signRehearsal } from '../index.ts';
import { Guest } from '../guest.ts';
import type { Monitor } from '../monitor.ts';
import { addRehearsalFiles, MARK } from './probe.ts';
import { slowness } from './run.ts';
import { awaitReport, grubAt } from './watch.ts';

describe('the report of a restored system', () => {
  it('is read out of what else comes over a serial line', () => {
    const line = 'booting\r\nCDREC-REHEARSAL target multi-user.target\r\n\r\nlogin: \r\nCDREC-REHEARSAL failed x.service\r\nCDREC-REHEARSAL retried y.service\r\nCDREC-REHEARSAL mounted /\r\nCDREC-REHEARSAL missing /srv UUID=1\r\nCDREC-REHEARSAL swap UUID=2 1\r\nCDREC-REHEARSAL swap /swap 0\r\nCDREC-REHEARSAL kernel 6.1\r\nCDREC-REHEARSAL state degraded\r\nCDREC-REHEARSAL END\r\n';
    expect(parseSystemReport(line)).toEqual({ state: 'degraded', target: 'multi-user.target', kernel: '6.1', failedUnits: ['x.service'], retriedUnits: ['y.service'], mounted: ['/'], missing: ['/srv UUID=1'], swap: false, log: [] });
    expect(parseSystemReport('')).toMatchObject({ state: 'unknown', swap: undefined });
  });
  it('is waited for without taking a processor from the guest, however much it prints', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-watch-'));
    const path = process.env['PATH'];
    try {
      writeFileSync(join(dir, 'qemu-system-x86_64'), `#!/bin/sh\necho first line\nfor i in $(seq 100); do head -c 1000 /dev/zero | tr '\\0' x; echo; sleep 0.01; done\necho ${MARK} state running\necho ${MARK} END\n`, { mode: 0o755 });
      process.env['PATH'] = `${dir}:${path ?? ''}`;
      await using guest = await Guest.start({ accelerator: 'tcg', firmware: 'bios', memoryMiB: 64, media: [], log: join(dir, 'log') });
      const before = process.cpuUsage();
      const text = await awaitReport(guest, undefined as unknown as Monitor, { seconds: 60, scratch: join(dir, 'scratch') });
      const { user, system } = process.cpuUsage(before);
      expect(text).toMatch(/^first line/);
      expect(parseSystemReport(text).state).toBe('running');
      expect(text.length).toBeGreaterThan(100_000);
      // Processor time, not that of a clock: a pattern tried from every character took 4 s for each of a hundred chunks.
      expect((user + system) / 1e6).toBeLessThan(3);
    } finally {
      process.env['PATH'] = path;
      rmSync(dir, { recursive: true, force: true });
    }
  }, 60_000);
  it('may be behind a /boot that GRUB has to open first', () => {
    const prompt = 'GRUB loading.\nWelcome to GRUB!\n\nEnter passphrase for hd0,gpt2 (9c9a0f4be2e24f2b8f3b1b6d4f1f8f11):';
    expect([prompt, `${prompt} `, prompt.replace('gpt2', 'msdos5'), `${prompt}\nAttempting to decrypt master key...`, `${prompt}\nerror: Invalid passphrase.\nEntering rescue mode...\ngrub rescue>`, 'Booting from Hard Disk...', ''].map(grubAt))
      .toEqual(['asks', 'asks', 'asks', 'computes', undefined, undefined, undefined]);
  });
  it('is given more time where the rescue system took long to start', () => {
    expect([0, 25, 40, 80, 120, 900].map(slowness)).toEqual([1, 1, 1, 2, 3, 5]);
  });
  it('comes from scripts that a shell takes', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-probe-'));
    try {
      const iso = new IsoImage({ volumeId: 'CDREC_REHEARSAL', date: 0 });
      addRehearsalFiles(iso, { bootSeconds: 60, more: 'true' });
      writeImageFile(iso.plan(), join(dir, 'x.iso'));
      execFileSync('bsdtar', ['-x', '-f', join(dir, 'x.iso'), '-C', dir]);
      execFileSync('bash', ['-n', join(dir, 'inject.sh')]);
      execFileSync('sh', ['-n', join(dir, 'report.sh')]);
      // Where it is put: as what the system starts, not as what lies about in it.
      const injected = (name: string, make: string): string => execFileSync('bash', ['-ec', `mkdir -p ${name}/etc/systemd/system; cd ${name}; ${make}; cd ..; CDREC_ROOT=$PWD/${name} bash ./inject.sh; cd ${name}; find etc ! -type d | sort | tr '\\n' ' '`], { cwd: dir, encoding: 'utf8' });
      const units = 'etc/systemd/system/cdrec-rehearsal-emergency.service etc/systemd/system/cdrec-rehearsal.service etc/systemd/system/emergency.target.wants/cdrec-rehearsal-emergency.service etc/systemd/system/graphical.target.wants/cdrec-rehearsal.service etc/systemd/system/multi-user.target.wants/cdrec-rehearsal.service etc/systemd/system/rescue.target.wants/cdrec-rehearsal-emergency.service ';
      expect(injected('systemd', 'mkdir -p usr/lib/systemd usr/sbin; touch usr/lib/systemd/systemd; ln -s ../lib/systemd/systemd usr/sbin/init; ln -s usr/sbin sbin; mkdir etc/rc2.d')).toBe(`etc/cdrec-rehearsal.sh ${units}`);
      expect(injected('sysvinit', 'mkdir -p usr/lib/systemd/system usr/sbin etc/rc2.d; touch usr/sbin/init; ln -s usr/sbin sbin')).toBe('etc/cdrec-rehearsal-once.sh etc/cdrec-rehearsal.sh etc/rc2.d/S99cdrec-rehearsal ');
      expect(injected('both', 'mkdir -p usr/lib/systemd sbin etc/rc2.d etc/rc5.d; touch usr/lib/systemd/systemd sbin/init')).toBe(`etc/cdrec-rehearsal-once.sh etc/cdrec-rehearsal.sh etc/rc2.d/S99cdrec-rehearsal etc/rc5.d/S99cdrec-rehearsal ${units}`);
      expect(injected('openrc', 'mkdir -p sbin bin etc/local.d etc/init.d etc/runlevels/default; touch etc/init.d/local etc/inittab; ln -s ../bin/busybox sbin/init')).toBe('etc/cdrec-rehearsal-once.sh etc/cdrec-rehearsal.sh etc/init.d/local etc/inittab etc/local.d/cdrec-rehearsal.start etc/runlevels/default/local ');
      // A file of the system is never changed: each is compared with the archive.
      expect(injected('inittab', 'mkdir -p sbin etc/rc2.d; touch sbin/init etc/inittab')).toBe('etc/cdrec-rehearsal-once.sh etc/cdrec-rehearsal.sh etc/inittab etc/inittab.d/cdrec-rehearsal.tab etc/rc2.d/S99cdrec-rehearsal ');
      expect(readFileSync(join(dir, 'inittab/etc/inittab'), 'latin1')).toBe('');
      // The part that looks at fstab, without what comes after it: that switches the machine off.
      const text = readFileSync(join(dir, 'report.sh'), 'utf8');
      const part = text.slice(text.indexOf('while read -r source'), text.indexOf('done < /etc/fstab')) + `done < ${dir}/fstab\n`;
      mkdirSync(join(dir, 'real dir'));
      symlinkSync('real dir', join(dir, 'link'));
      writeFileSync(join(dir, 'fstab'), [`# none`, `UUID=1 / ext4 defaults 0 1`, `UUID=2 ${dir}/link/ xfs defaults 0 2`, `UUID=3 ${dir}/real\\040dir ext4 ro 0 2`, `LABEL=gone /no/such/place/ ext4 defaults`, `UUID=4 /usb vfat noauto`, `h:/x /net nfs defaults`, `UUID=5 none swap sw`].join('\n') + '\n');
      writeFileSync(join(dir, 'mounts'), `/dev/a / ext4 rw 0 0\n/dev/b ${dir}/real\\040dir xfs rw 0 0\n`);
      const said = execFileSync('sh', ['-c', `say() { echo "$*"; }\n${part.replaceAll('/proc/mounts', join(dir, 'mounts')).replaceAll('/proc/swaps', '/dev/null')}`], { encoding: 'utf8' });
      expect(said.trim().split('\n')).toEqual(['mounted /', `mounted ${dir}/real dir`, `mounted ${dir}/real dir`, 'missing /no/such/place/ LABEL=gone', 'swap UUID=5 0']);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('the signature of a rehearsal', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  it('is good for the very text, and for nobody else', () => {
    const signature = signRehearsal('text', privateKey);
    expect(isSignedBy('text', signature, publicKey)).toBe(true);
    expect(isSignedBy('texT', signature, publicKey)).toBe(false);
    const other = generateKeyPairSync('ed25519', { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).publicKey;
    expect(isSignedBy('text', signature, other)).toBe(false);
    expect(isSignedBy('text', 'no base64!', publicKey)).toBe(false);
  });
  it('wants an Ed25519 key', () => {
    expect(() => signRehearsal('text', 'nonsense')).toThrow(/private key cannot be read/);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
    expect(() => signRehearsal('text', rsa.privateKey)).toThrow(/no Ed25519 key/);
  });
  it('goes with a file that is what it should be', () => {
    expect(() => parseRehearsal('{', 'x')).toThrow(/x is not JSON/);
    expect(() => parseRehearsal('{"version":1}', 'x')).toThrow(/verdict/);
  });
});
