// The Linux kernel as a judge: Debian's cloud kernel in QEMU mounts images as iso9660 (Rock Ridge, Joliet, plain) and
// udf, vfat for ESPs, and lists everything. All images of a run lie on one disk; node does the listing in the guest.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpioArchive } from '@cdrec/initrd';
import { chooseAccelerator } from '@cdrec/rehearse';

const MODULES = ['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_blk', 'cdrom', 'nls_utf8', 'nls_cp437', 'nls_ascii', 'nls_iso8859-1', 'isofs', 'crc-itu-t', 'udf', 'fat', 'vfat', 'loop'];
const ALIGN = 1 << 20;

/** Debian's cloud kernel and a static busybox, unpacked below `cache`. */
export function kernelFiles(cache) {
  const dir = resolve(cache, 'judge-kernel');
  if (!existsSync(dir)) {
    const work = `${dir}.partial`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    const kernelPackage = () => /Depends: (linux-image-\S+)/.exec(execFileSync('bash', ['-c', 'apt-cache depends linux-image-cloud-amd64 2> /dev/null || true'], { encoding: 'utf8' }))?.[1];
    if (kernelPackage() === undefined) execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const name = kernelPackage();
    if (name === undefined) throw new Error('apt knows no linux-image-cloud-amd64');
    execFileSync('apt-get', ['download', '-qq', name, 'busybox-static'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    for (const deb of readdirSync(work).filter((n) => n.endsWith('.deb'))) execFileSync('dpkg-deb', ['-x', join(work, deb), work]);
    renameSync(work, dir);
  }
  const boot = join(dir, 'boot');
  return { dir, vmlinuz: join(boot, readdirSync(boot).find((n) => n.startsWith('vmlinuz'))), busybox: join(dir, 'bin/busybox') };
}

function moduleFile(dir, name) {
  const found = execFileSync('find', [join(dir, 'lib/modules'), '-name', `${name}.ko*`], { encoding: 'utf8' }).trim().split('\n')[0];
  return found === '' ? undefined : found; // built in
}

/** Libraries of a program, as ldd names them. */
function libraries(program) {
  return [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map((m) => m[1]);
}

const LISTER = `
const { walk } = require('/walk.cjs');
const { readFileSync, openSync, writeSync, fsyncSync } = require('node:fs');
const out = [];
for (const line of readFileSync('/jobs', 'utf8').trim().split('\\n')) {
  const [, , id] = line.split(' ');
  let result;
  try {
    const failed = readFileSync('/failed', 'utf8').split('\\n').includes(id);
    result = failed ? { id, error: 'mount failed' } : { id, entries: walk('/m/' + id) };
  } catch (error) { result = { id, error: String(error) }; }
  out.push(JSON.stringify(result));
}
const data = Buffer.from(out.join('\\n') + '\\n');
const fd = openSync('/dev/vdb', 'r+');
const head = Buffer.alloc(512);
head.write(String(data.length) + '\\n');
writeSync(fd, head, 0, 512, 0);
for (let at = 0; at < data.length; at += 1 << 20) writeSync(fd, data, at, Math.min(1 << 20, data.length - at), 512 + at);
fsyncSync(fd);
`;

function initArchive(kernel, jobs) {
  const node = process.execPath;
  const modules = MODULES.map((m) => moduleFile(kernel.dir, m)).filter((f) => f !== undefined);
  const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /m /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec < /dev/ttyS0 > /dev/ttyS0 2>&1
for m in ${modules.filter((f) => !f.includes('/loop.ko')).map((f) => basename(f)).join(' ')}; do insmod /mod/$m || echo "insmod $m failed"; done
insmod /mod/loop.ko max_loop=${jobs.length + 1}
: > /failed
n=0
while read -r disk offset id type options; do
  mkdir -p /m/$id
  losetup -r -o $offset /dev/loop$n $disk
  mount -t $type -o $options /dev/loop$n /m/$id 2> /dev/null || { echo $id >> /failed; echo "mount of $id failed"; }
  n=$((n + 1))
done < /mounts
echo "judge: $n mounts"
${node} /judge.cjs || echo "judge: node failed"
sync
echo "judge: done"
poweroff -f
`;
  const mounts = jobs.map((j) => `${j.disk} ${j.offset} ${j.id} ${j.type} ${j.options}`).join('\n') + '\n';
  const files = [
    ['/init', Buffer.from(init), 0o755], ['/judge.cjs', Buffer.from(LISTER), 0o644], ['/walk.cjs', fileURLToPath(new URL('walk.cjs', import.meta.url)), 0o644],
    ['/jobs', Buffer.from(jobs.map((j) => `x x ${j.id}`).join('\n') + '\n'), 0o644], ['/mounts', Buffer.from(mounts), 0o644], ['/bin/busybox', kernel.busybox, 0o755], [node, node, 0o755],
    ...libraries(node).map((l) => [l, l, 0o755]), ...modules.map((f) => [`/mod/${basename(f)}`, f, 0o644]),
  ];
  const dirs = new Set();
  for (const [path] of files) for (let d = path.slice(0, path.lastIndexOf('/')); d !== ''; d = d.slice(0, d.lastIndexOf('/'))) dirs.add(d);
  return cpioArchive([...[...dirs].sort().map((path) => ({ type: 'dir', path, mode: 0o755 })), ...files.map(([path, source, mode]) => ({ type: 'file', path, source, mode }))], 0);
}

const OPTIONS = { rockridge: ['iso9660', 'ro'], joliet: ['iso9660', 'ro,norock,utf8'], iso: ['iso9660', 'ro,norock,nojoliet,map=off'], udf: ['udf', 'ro,utf8'], vfat: ['vfat', 'ro'] };

/** Writes images one behind the other on a disk; holes stay holes. */
function makeDisk(images, path) {
  const out = openSync(path, 'w');
  const offsets = new Map();
  let at = 0;
  const buf = Buffer.alloc(1 << 20);
  for (const image of images) {
    offsets.set(image, at);
    const fd = openSync(image, 'r');
    for (let n = readSync(fd, buf, 0, buf.length, null); n > 0; n = readSync(fd, buf, 0, buf.length, null)) {
      writeSync(out, buf, 0, n, at);
      at += n;
    }
    closeSync(fd);
    at = Math.ceil(at / ALIGN) * ALIGN;
  }
  ftruncateSync(out, at + ALIGN);
  closeSync(out);
  return offsets;
}

/**
 * What the kernel sees of images. `jobs`: { id, image, mode, offset?, own? } with mode rockridge, joliet, iso, udf or vfat;
 * `own` gives a (large, sparse) image a disk of its own. Returns a map from id to the list of entries, or an error text.
 */
export async function kernelSees(jobs, work, cache, seconds = 900) {
  const kernel = kernelFiles(cache);
  const shared = [...new Set(jobs.filter((j) => !j.own).map((j) => j.image))];
  const own = [...new Set(jobs.filter((j) => j.own).map((j) => j.image))];
  const disk = join(work, 'images.raw');
  const results = join(work, 'results.raw');
  const initrd = join(work, 'initrd');
  const offsets = makeDisk(shared, disk);
  const place = jobs.map((j) => ({
    id: j.id, disk: j.own ? `/dev/vd${String.fromCharCode(99 + own.indexOf(j.image))}` : '/dev/vda', offset: (j.own ? 0 : offsets.get(j.image)) + (j.offset ?? 0), type: OPTIONS[j.mode][0], options: OPTIONS[j.mode][1],
  }));
  writeFileSync(results, '');
  execFileSync('truncate', ['-s', '256M', results]);
  writeFileSync(initrd, initArchive(kernel, place));
  const accelerator = await chooseAccelerator();
  const drive = (file, extra = '') => ['-drive', `file=${file},format=raw,if=virtio,cache=unsafe${extra}`];
  const args = ['-machine', 'pc', '-accel', accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '3072', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-net', 'none',
    '-kernel', kernel.vmlinuz, '-initrd', initrd, '-append', 'console=ttyS0 quiet panic=-1', ...drive(disk, ',readonly=on'), ...drive(results), ...own.flatMap((f) => drive(f, ',readonly=on'))];
  const said = await new Promise((done) => {
    const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    child.stdout.on('data', (d) => { text += d; });
    child.stderr.on('data', (d) => { text += d; });
    child.on('close', () => { clearTimeout(timer); done(text); });
  });
  for (const f of [disk, initrd]) rmSync(f);
  if (!said.includes('judge: done')) throw new Error(`the judging kernel did not come to its end: ${said.slice(-2000)}`);
  const raw = readFileSync(results);
  rmSync(results);
  const length = Number(raw.toString('latin1', 0, 32).split('\n')[0]);
  const out = new Map();
  for (const line of raw.toString('utf8', 512, 512 + length).trim().split('\n')) {
    const r = JSON.parse(line);
    out.set(r.id, r.error ?? r.entries);
  }
  return out;
}

