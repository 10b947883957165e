import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Guest, Monitor, rehearse } from '@cdrec/rehearse';
import { describe, expect, it } from 'vitest';

describe('a rehearsal whose guest does not start', () => {
  it('fails at its first stage, with what QEMU said', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-rehearse-'));
    try {
      const result = await rehearse({ volumes: [join(dir, 'no-such.iso')], disks: [{ source: '/dev/sda', bytes: 1 << 20 }], bootDisk: '/dev/sda', firmware: 'bios', bus: 'virtio', memoryMiB: 64, accelerator: 'tcg', directory: join(dir, 'work'), contentBytes: 0, encrypted: false });
      expect(result.verdict).toBe('FAIL');
      expect(result.stages.map((s) => [s.id, s.verdict])).toEqual([['rescue', 'FAIL'], ['restore', 'SKIP'], ['compare', 'SKIP'], ['boot', 'SKIP'], ['system', 'SKIP']]);
      expect(result.stages[0]?.reason).toMatch(/no-such\.iso.*No such file/);
      expect(readdirSync(join(dir, 'work')).filter((n) => n.startsWith('disk-'))).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 60_000);
});

describe('the monitor of a guest', () => {
  it('shows its screen, as a picture and as text, and says when the guest has ended', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec monitor '));
    try {
      // A table without a boot loader: the firmware starts an empty boot sector, and that is what stands on the screen.
      const disk = join(dir, 'disk.img');
      execFileSync('truncate', ['-s', '20M', disk]);
      execFileSync('sfdisk', ['-q', disk], { input: 'label: dos\nstart=2048, type=83, bootable\n' });
      const guest = await Guest.start({ accelerator: 'tcg', firmware: 'bios', memoryMiB: 128, media: [{ file: disk, as: 'virtio', boot: true }], log: join(dir, 'log'), monitor: join(dir, 'monitor') });
      const monitor = await Monitor.open(join(dir, 'monitor'));
      let text = '';
      for (let tries = 0; tries < 60 && !text.endsWith('Hard Disk...'); tries++) {
        await sleep(500);
        text = await monitor.textScreen(join(dir, 'screen.txt'));
      }
      expect(text).toMatch(/SeaBIOS[^]*Booting from Hard Disk\.\.\.$/);
      expect((await monitor.screenshot(join(dir, 'screen.png')))?.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
      await monitor.type('Hallo 1\n');
      await expect(monitor.type('ü')).rejects.toThrow(/cannot be typed/);
      await guest[Symbol.asyncDispose]();
      await sleep(200);
      await expect(monitor.command('info status')).rejects.toThrow(/has ended/);
      monitor.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 120_000);
});
