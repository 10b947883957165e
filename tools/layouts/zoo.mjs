// Stacks of devices, one after another in one guest: each is made, surveyed, planned, carried out on blanked disks, and surveyed again: the second
// survey must be the first one, and every file is compared. What cannot be made again must be named.
// usage: node tools/layouts/zoo.mjs [NAME...] | --turn      (--turn: five of them, others each day)
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { attachImage, bootToLogin, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, removeWork, STACK_MODULES, STACK_PACKAGES, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { SCENARIOS } from './zoo-scenarios.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'zoo');
const day = Math.floor(Date.now() / 86_400_000);
const asked = process.argv[2] === '--turn' ? Array.from({ length: 5 }, (_, i) => SCENARIOS[(day * 5 + i) % SCENARIOS.length].name) : process.argv.slice(2);
const unknown = asked.filter((n) => !SCENARIOS.some((s) => s.name === n));
if (unknown.length > 0) throw new Error(`no ${unknown.join(', ')}; there are ${SCENARIOS.map((s) => s.name).join(', ')}`);
await removeWork(dir);
mkdirSync(join(dir, 'mnt'), { recursive: true });
const path = (name) => join(dir, name);
await build({
  entryPoints: [new URL('zoo-guest.mjs', import.meta.url).pathname], outfile: path('zoo-guest.mjs'), bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning',
  banner: { js: "import { createRequire as cdrecZooRequire } from 'node:module'; const require = cdrecZooRequire(import.meta.url);" },
});
await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache', [...STACK_PACKAGES, 'bcache-tools', 'quota'], [...STACK_MODULES, 'fs/quota']), image: path('maker.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
// The disks of the machine, and others to take their place.
const sizes = ['800M', '800M', '800M', '800M', '1200M', '1200M', '620M', '620M'];
for (const [i, size] of sizes.entries()) await execa('truncate', ['-s', size, path(`disk${i}.img`)]);
await execa('truncate', ['-s', '200M', path('store.img')]);
await execa('mkfs.ext4', ['-q', '-F', '-L', 'STORE', path('store.img')]);
await use(attachImage(path('store.img')), (loop) => withMounts([[loop.device, path('mnt')]], async () => {
  copyFileSync(path('zoo-guest.mjs'), path('mnt/zoo-guest.mjs'));
  for (const s of SCENARIOS) writeFileSync(path(`mnt/${s.name}.json`), JSON.stringify(s));
}));
const failed = [];
await use(Guest.start({
  accelerator: await chooseAccelerator(), firmware: 'bios', memoryMiB: 1500, log: path('zoo.log'),
  media: [{ file: path('maker.img'), as: 'virtio', boot: true }, ...sizes.map((_, i) => ({ file: path(`disk${i}.img`), as: 'virtio', serial: `ZOO-${i}` })), { file: path('store.img'), as: 'virtio', serial: 'STORE' }],
}), async (guest) => {
  await bootToLogin(guest);
  // Nothing assembles itself here, as in the rescue system.
  await guest.must('swapoff -a; mkdir -p /store /z; mount -L STORE /store; cd /root; for r in 64-md-raid-assembly 65-md-incremental 69-lvm 69-bcache; do ln -sf /dev/null /etc/udev/rules.d/$r.rules; done; udevadm control -R', 60);
  for (const s of SCENARIOS) {
    if (asked.length > 0 && !asked.includes(s.name)) continue;
    const start = Date.now();
    await guest.run(`rm -f result.json; node --no-warnings /store/zoo-guest.mjs /store/${s.name}.json > out 2>&1`, 400);
    const { output } = await guest.run('cat result.json || cat out', 60);
    let r;
    try { r = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)); } catch { r = { ok: false, error: output.slice(-2000) }; }
    console.log(`${r.ok ? 'ok  ' : 'FAIL'} ${s.name} (${Math.round((Date.now() - start) / 1000)} s)${r.ok ? '' : `\n${JSON.stringify({ ...r, plan: undefined }, null, 1)}\n${r.plan ?? ''}`}`);
    for (const note of [...(r.unsupported ?? []), ...(r.remarks ?? [])]) console.log(`       ${note}`);
    if (!r.ok) failed.push(s.name);
    const left = await guest.run(`findmnt -lno TARGET | grep '^/z' | sort -r | while IFS= read -r m; do umount -R "$m" 2> /dev/null; done; swapoff -a; ${s.stop ?? 'true'}; export DM_DISABLE_UDEV=1
for i in 1 2 3; do vgchange -an > /dev/null 2>&1; for m in $(ls /dev/mapper | grep -v control); do dmsetup remove --retry $m > /dev/null 2>&1; done; for m in /dev/md?*; do [ ! -b $m ] || mdadm --stop $m > /dev/null 2>&1; done; done
for d in b c d e f g h i; do for p in /dev/vd$d[0-9]*; do [ ! -b $p ] || wipefs -aqf $p; done; wipefs -aqf /dev/vd$d; dd if=/dev/zero of=/dev/vd$d bs=1M count=8 conv=notrunc status=none; partx -d /dev/vd$d 2> /dev/null; done; for l in /dev/mapper/*; do case $l in */control) ;; *) rm -f $l ;; esac; done; for l in /dev/vg /dev/my-vg; do [ ! -d $l ] || rm -r $l; done; btrfs device scan --forget > /dev/null 2>&1; lsblk -nro NAME | grep -E 'md|bcache|-|vd[b-i][0-9]'`, 120);
    if (/\w/.test(left.output)) console.log(`       left: ${left.output.trim().replace(/\s+/g, ' ')}`);
  }
});
rmSync(dir, { recursive: true, force: true });
console.log(failed.length === 0 ? 'all as they were' : `${failed.length} failed: ${failed.join(' ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
