// Restoring the files of a set against `zstd -dc | tar -x` of the same archive, in the same guest onto the same disk, interleaved.
// usage: node tools/bench/restore.mjs [SET.iso]      (default: that of the case bios-logical, made when it is not there)
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { bootToRescue, chooseAccelerator, Guest, powerOff } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { median } from './measure.mjs';

const work = process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e';
const dir = join(work, 'bench-restore');
mkdirSync(dir, { recursive: true });
const set = join(work, 'bios-logical', 'set');
if (process.argv[2] === undefined && !existsSync(set)) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', 'bios-logical', '--volume-size', 'cd', '--dir', join(work, 'bios-logical'), '--cache', '.cache'], { stdio: ['ignore', 'inherit', 'inherit'] });
const iso = process.argv[2] ?? join(set, readdirSync(set).find((n) => n.endsWith('_1.iso')));
const disk = join(dir, 'disk.img');
rmSync(disk, { force: true });
await execa('truncate', ['-s', '3G', disk]);
const accelerator = await chooseAccelerator();
const times = { cdrec: [], tar: [] };
await use(Guest.start({ accelerator, firmware: 'bios', memoryMiB: 2048, media: [{ file: iso, as: 'cdrom', boot: true }, { file: disk, as: 'virtio' }], log: join(dir, 'guest.log') }), async (guest) => {
  await bootToRescue(guest);
  await guest.must('mkdir -p /m /t; mount -t iso9660 -o ro /dev/sr0 /m; ls /m/backup', 60);
  const fresh = 'umount /t 2> /dev/null; mkfs.ext4 -q -F /dev/vda; sync; echo 3 > /proc/sys/vm/drop_caches';
  // Seconds to a hundredth, of the unpacking and the writing out.
  const timed = async (command) => {
    await guest.must(fresh, 120);
    const said = await guest.must(`begin=$(cut -d' ' -f1 /proc/uptime); ${command} && end=$(cut -d' ' -f1 /proc/uptime) && echo "TOOK $begin $end"`, 900);
    const [, begin, end] = /TOOK (\S+) (\S+)/.exec(said);
    return Number(end) - Number(begin);
  };
  for (let i = 0; i < 3; i++) {
    times.tar.push(await timed("mount /dev/vda /t && cat /m/backup/*._.tar.zst* | zstd -q -d -c | tar -x -f - -C /t --numeric-owner --same-owner --same-permissions --sparse --acls --selinux --xattrs '--xattrs-include=*' && umount /t"));
    times.cdrec.push(await timed('TERM=dumb cdrec restore-fs /dev/sr0 --fs / --to /dev/vda 2> /dev/null'));
    console.log(`${i + 1}: tar ${times.tar.at(-1).toFixed(1)} s, cdrec ${times.cdrec.at(-1).toFixed(1)} s`);
  }
  await powerOff(guest);
});
const [a, b] = [median(times.cdrec), median(times.tar)];
console.log(`restore-fs: ${a.toFixed(1)} s, zstd | tar: ${b.toFixed(1)} s (medians of 3 in one guest, ${accelerator}): ${(a / b).toFixed(2)} x`);
rmSync(dir, { recursive: true, force: true });
