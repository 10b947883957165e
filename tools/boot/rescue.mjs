// What the rescue system can do besides booting: keyboard, network, SSH, hooks, log, memory test, programs; asked of a booted one.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { bootToRescue, chooseAccelerator, Guest, powerOff } from '@cdrec/rehearse';
import { buildMedia } from './media.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'rescue-system');
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
process.on('exit', () => { rmSync(dir, { recursive: true, force: true }); });
const fail = (text) => { throw new Error(text); };
const accelerator = await chooseAccelerator();

execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'key')]);
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'stranger')]);
const key = readFileSync(join(dir, 'key.pub'), 'utf8').trim();
const german = (root) => {
  const file = join(root, 'etc/default/keyboard');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace(/^XKBLAYOUT=.*$/m, 'XKBLAYOUT="de"'));
  return () => { writeFileSync(file, before); };
};
const built = await buildMedia(dir, '.cache', {
  udev: { before: german, config: `[rescue]\nssh_keys = ["${key}"]\nprograms = ["mokutil"]\npre_exec = "echo hook of \\"$(uname -s)\\" > /run/hook; sleep 1; false"\n` },
  mdev: { config: '[rescue]\ncoldplug = "mdev"\nnetwork = "off"\n' },
});
for (const [name, b] of Object.entries(built)) if (b.status !== 0) fail(`building ${name}: ${b.said}`);

/** QEMU's monitor: one command. */
const monitor = (socket, command) => new Promise((resolve, reject) => {
  const c = connect(socket);
  c.on('error', reject);
  c.on('connect', () => { c.write(`${command}\n`); setTimeout(() => { c.end(); resolve(); }, 500); });
});

async function full() {
  const stick = join(dir, 'stick.img');
  execFileSync('truncate', ['-s', '64M', stick]);
  execFileSync('mkfs.vfat', ['-n', 'LOGS', stick], { stdio: 'ignore' });
  const port = 20_000 + (process.pid % 20_000);
  const socket = join(mkdtempSync('/tmp/cdrec-mon-'), 's');
  const guest = await Guest.start({
    accelerator, firmware: 'bios', memoryMiB: 512, log: join(dir, 'full.log'), monitor: socket, network: { ssh: port, reachHost: true }, // restricted, QEMU's DHCP names no router
    media: [{ file: built.udev.files[0], as: 'cdrom', boot: true }, { file: stick, as: 'usb' }],
  });
  try {
    await bootToRescue(guest);
    const said = async (command, pattern, what) => {
      const out = await guest.must(command, 90);
      if (!pattern.test(out)) fail(`${what}: "${command}" says\n${out}`);
      return out;
    };
    await said('cat /run/hook; menu', /hook of Linux[^]*rescue.pre_exec ended with status 1/, 'pre_exec');
    await said('for i in $(seq 40); do grep -q nameserver /etc/resolv.conf 2> /dev/null && break; sleep 1; done; network', /10\.0\.2\.\d+\/24[^]*default via 10\.0\.2\.2[^]*nameserver 10\.0\.2\.3/, 'DHCP');
    await said('dmesg -n 1; ls /dev/disk/by-label; cat /etc/cdrec/coldplug', /LOGS[^]*udev/, 'udev');
    await said('mokutil --version; command -v mokutil', /mokutil/, 'rescue.programs');
    await said('grep -c cdrec:~# /dev/vcs1', /^[1-9]/m, 'the prompt on the screen');
    // A German keyboard has z where a US one has y: typed on the screen's console, read from its memory.
    for (const k of ['e', 'c', 'h', 'o', 'spc', 'x', 'y', 'z', 'ret']) await monitor(socket, `sendkey ${k}`);
    await sleep(2000);
    await said('cat /dev/vcs1', /\bxzy\b/, 'the keyboard map');
    await said('save-log /dev/sda', /saved: cdrec-log-\S+ \(\d+ bytes\) on \/dev\/sda/, 'save-log');
    await said('save-log /dev/sr0 || echo refused', /sr0 holds iso9660[^]*refused/, 'save-log on a disc');
    await said('cdrec plan; cat /run/cdrec/cdrec.log', /error (PLAN_NO_ARCHIVE|NO_TARGET|TARGET|DISK)[^]*error/, 'the log of cdrec');
    const ssh = (identity, command) => execa('ssh', ['-i', join(dir, identity), '-p', String(port), '-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(dir, 'known')}`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', 'root@127.0.0.1', command], { reject: false, stdin: 'ignore' });
    const good = await ssh('key', 'cdrec --version; cat /etc/hostname');
    if (good.exitCode !== 0 || !/cdrec-rescue/.test(good.stdout)) fail(`SSH with the key: ${good.stderr} ${good.stdout}`);
    const bad = await ssh('stranger', 'true');
    if (bad.exitCode === 0 || !/Permission denied \(publickey\)/.test(bad.stderr)) fail(`SSH with another key: ${bad.exitCode} ${bad.stderr}`);
    const scanned = execFileSync('ssh-keygen', ['-l', '-f', join(dir, 'known')], { encoding: 'utf8' }).split(' ')[1];
    await said('menu', new RegExp(scanned.replace(/[+/]/g, '\\$&')), 'the fingerprint of the host key');
    // Addresses of a card that is not there go to the one that is; the modes replace each other.
    await guest.must("printf 'card 02:00:00:00:00:99 192.0.2.77/24\\nroute default 192.0.2.1\\ndns 192.0.2.53\\n' > /etc/cdrec/network", 30);
    const fixed = await said('network static; ip -4 -o address show scope global; ip -4 route; cat /etc/resolv.conf', /192\.0\.2\.77\/24[^]*default via 192\.0\.2\.1 [^]*nameserver 192\.0\.2\.53/, 'network static');
    if (fixed.includes('10.0.2.15')) fail(`network static keeps the address of DHCP:\n${fixed}`);
    const down = await guest.must('network off; ip -4 -o address show scope global; ip -o link show up', 60);
    if (/192\.0\.2|: (eth|en)/.test(down)) fail(`network off leaves\n${down}`);
    await powerOff(guest);
  } finally {
    await guest[Symbol.asyncDispose]();
    rmSync(join(socket, '..'), { recursive: true, force: true });
  }
  const log = execFileSync('mdir', ['-b', '-i', stick, '::'], { encoding: 'utf8' }).trim();
  execFileSync('mcopy', ['-n', '-i', stick, log.split('\n')[0], join(dir, 'log.tar.gz')]);
  const list = execFileSync('tar', ['-tzf', join(dir, 'log.tar.gz')], { encoding: 'utf8' });
  for (const name of ['dmesg.txt', 'rescue.log', 'network.log', 'survey.json', 'state.txt', 'pre_exec.log']) if (!list.includes(name)) fail(`the saved log lacks ${name}:\n${list}`);
}

/** mdev instead of udev, network off, 320 MiB. */
async function small() {
  const guest = await Guest.start({ accelerator, firmware: 'bios', memoryMiB: 384, log: join(dir, 'small.log'), media: [{ file: built.mdev.files[0], as: 'cdrom', boot: true }], network: {} });
  try {
    await bootToRescue(guest);
    const out = await guest.must('cat /etc/cdrec/coldplug; ls /sys/class/net/*/device -d; ip -4 -o address show scope global; cdrec --version; lsblk', 90);
    if (!/mdev/.test(out) || /inet /.test(out) || !/sr0/.test(out)) fail(`mdev: ${out}`);
    await powerOff(guest);
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}

await full();
await small();
console.log('keyboard, DHCP, static, SSH by key only, hooks, log, consoles, programs; mdev with 384 MiB: ok');
