import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executePlan, neededPrograms, planRestore } from '@cdrec/restore';
import type { Survey } from '@cdrec/survey';

/** A swap file is made anew, in a directory that has it in the archive no more; the judge is the kernel, which takes it as swap. */
const UUID = '0cdecf11-e000-4000-8000-00000000feed';
let dir: string;
const loops: string[] = [];
const sh = (command: string): string => execFileSync('bash', ['-ec', command], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-swapfile-'); });
afterAll(() => {
  for (const loop of loops) sh(`losetup --detach ${loop}`);
  rmSync(dir, { recursive: true, force: true });
});

describe('a swap file', () => {
  it.each(['ext4', 'ext3', 'xfs', 'btrfs'] as const)('on %s is one that the kernel takes, with its UUID, label, size and mode', async (type) => {
    sh(`cd ${dir}; truncate -s 600M ${type}.img; rm -rf tree; mkdir -p tree/swap; chmod 700 tree/swap; touch -d '2020-02-02 02:02:02.222222222' tree/swap; tar --format=posix -b 128 -C tree -cf ${type}.tar .`);
    const device = sh(`losetup --find --show ${dir}/${type}.img`).trim();
    loops.push(device);
    const disk = { device, model: '', serial: '', wwn: '', transport: '', bytes: 600 * 2 ** 20, sectorBytes: 512, used: true, links: [] };
    const fs = { device, disk: device, partition: 0, type, uuid: `0cdecf11-e000-4000-8000-0000000000${String(loops.length).padStart(2, '0')}`, label: '', bytes: disk.bytes, usedBytes: 1, mount: '/srv', options: '', parameters: {}, ...(type === 'btrfs' ? { subvolume: '' } : {}) };
    const layers = type === 'btrfs' ? [{ type, device, devices: [device], uuid: fs.uuid, label: '', data: 'single', metadata: 'dup', nodeBytes: 16384, sectorBytes: 4096, checksum: 'crc32c', subvolumes: [], defaultSubvolume: '' }] : [];
    const swapFiles = [{ path: '/srv/swap/my file', bytes: 40 * 2 ** 20, uuid: UUID, label: 'my swap', mode: 0o600, selinux: 'system_u:object_r:swapfile_t:s0' }, { path: '/elsewhere/file', bytes: 1 << 20, uuid: UUID, label: '', mode: 0o600 }];
    const survey = { disks: [disk], fileSystems: [fs], layers, swaps: [], swapFiles, images: [], modules: [], boot: { loaders: [], entries: [], commandLine: '' }, host: { name: '', osId: '' } } as unknown as Survey;
    expect(neededPrograms(survey)).toContain('fallocate');
    const plan = planRestore({ survey, assignments: [{ source: disk, rule: 'named by you', target: { ...disk, content: '', refusal: undefined, onlyByName: true } }], archives: [{ kind: 'tar', device, name: `${type}.tar`, mount: '/srv', compress: 'none', contentBytes: Number(sh(`stat -c %s ${dir}/${type}.tar`)) }] });
    // What lies on none of the restored file systems is nobody's here.
    expect(plan.steps.filter((s) => s.kind === 'swap-file').map((s) => s.id)).toEqual(['swap file /srv/swap/my file']);
    await executePlan(plan, { openArchive: (name) => createReadStream(join(dir, name)), journal: join(dir, `${type}.journal`), work: join(dir, 'work'), path: '/usr/sbin:/usr/bin:/sbin:/bin', uefi: false });
    sh(`mkdir -p ${dir}/mnt; mount ${device} ${dir}/mnt`);
    try {
      const file = `'${dir}/mnt/swap/my file'`;
      expect(sh(`stat -c '%s %a %U' ${file}; blkid -p -o value -s UUID -s LABEL ${file}; stat -c %y ${dir}/mnt/swap`)).toBe(`${String(40 * 2 ** 20)} 600 root\nmy swap\n${UUID}\n2020-02-02 02:02:02.222222222 +0000\n`);
      sh(`swapon ${file}; swapoff ${file}`);
      expect(sh(`getfattr --absolute-names --only-values -n security.selinux ${file}`)).toBe('system_u:object_r:swapfile_t:s0');
    } finally {
      sh(`umount ${dir}/mnt`);
    }
  });
});
