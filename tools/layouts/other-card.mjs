// A machine comes back with another network card, in another slot: its configuration, which names the old one, finds the new one.
// usage: node tools/layouts/other-card.mjs
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'other-card');
await removeWork(dir);
mkdirSync(join(dir, 'mnt'), { recursive: true });
const path = (name) => join(dir, name);
const options = { accelerator: await chooseAccelerator(), firmware: 'bios', memoryMiB: 1024 };
const OLD = '52:54:00:0a:0b:05', NEW = '52:54:00:0a:0b:09';
/** QEMU's own network, with a DHCP server, at a card in a PCI slot. */
const card = (mac, slot) => ['-netdev', 'user,id=lan,restrict=on', '-device', `virtio-net-pci,netdev=lan,mac=${mac},addr=${slot},romfile=`];
/** The interface that has an address of QEMU's network, and its MAC address. */
const LAN = 'for i in $(seq 90); do ip -4 -brief address | grep 10.0.2 && break; sleep 1; done; for n in /sys/class/net/*; do [ ! -e $n/device ] || echo "CARD ${n##*/} $(cat $n/address)"; done';

const machine = path('machine.img');
await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image: machine, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
await use(attachImage(machine), (loop) => withMounts([['-t', 'ext4', loop.partition(1), path('mnt')]], async () => {
  mkdirSync(path('mnt/etc/systemd/network'), { recursive: true });
  writeFileSync(path('mnt/etc/systemd/network/lan.network'), '[Match]\nName=ens5\n\n[Network]\nDHCP=ipv4\n');
  writeFileSync(path('mnt/etc/systemd/network/20-speed.link'), `[Match]\nMACAddress=${OLD}\nDriver=none\n\n[Link]\nAutoNegotiation=yes\n`);
  await execa('systemctl', ['--root', path('mnt'), 'enable', 'systemd-networkd'], { stdio: 'ignore' });
}));
const store = path('store.img');
await execa('truncate', ['-s', '1G', store]);
await execa('mkfs.ext4', ['-q', '-F', '-L', 'STORE', store]);
await use(Guest.start({ ...options, media: [{ file: machine, as: 'virtio', boot: true }, { file: store, as: 'virtio', serial: 'STORE' }], more: card(OLD, '0x5'), log: path('build.log') }), async (guest) => {
  await bootToLogin(guest, 900);
  const lan = await guest.must(LAN, 120);
  if (!/^ens5 +UP +10\.0\.2\./m.test(lan)) throw new Error(`the machine itself: ${lan}`);
  await guest.must('mkdir -p /store && mount -L STORE /store && TERM=dumb cdrec build --mode iso --out /store --exclude-mount /store && umount /store', 1800);
  await powerOff(guest);
});
const iso = path('set.iso');
await use(attachImage(store), (loop) => withMounts([['-o', 'ro', loop.device, path('mnt')]], () => execa('cp', [join(path('mnt'), readdirSync(path('mnt')).find((n) => n.endsWith('_1.iso'))), iso])));
for (const file of [store, machine]) rmSync(file);

const disk = path('new.img');
await execa('truncate', ['-s', '2G', disk]);
const now = card(NEW, '0x9');
await use(Guest.start({ ...options, media: [{ file: iso, as: 'cdrom', boot: true }, { file: disk, as: 'virtio' }], more: now, log: path('restore.log') }), async (guest) => {
  await bootToRescue(guest);
  const { status, output } = await guest.run('TERM=dumb start-restore --disk /dev/vda --yes --check', 1800);
  console.log(output.split('\n').filter((l) => /52:54|Network cards|CHECKED|RESTORED/.test(l)).join('\n'));
  for (const said of [/Network cards that are other ones now:\s+ens5 \(52:54:00:0a:0b:05\): 52:54:00:0a:0b:09/, /20-speed\.link: 52:54:00:0a:0b:05 -> 52:54:00:0a:0b:09/, /10-cdrec-ens5\.link: .* is called ens5/, /CHECKED \d{5} files: 0 differences/]) if (!said.test(output)) throw new Error(`it did not say ${said}\n${output.slice(-3000)}`);
  if (status !== 0) throw new Error(`start-restore: status ${status}\n${output.slice(-3000)}`);
  await powerOff(guest);
});
await use(Guest.start({ ...options, media: [{ file: disk, as: 'virtio', boot: true }], more: now, log: path('boot.log') }), async (guest) => {
  await bootToLogin(guest, 900);
  const lan = await guest.must(LAN, 120);
  console.log(lan.trim());
  if (!/^ens5 +UP +10\.0\.2\./m.test(lan) || !lan.includes(`CARD ens5 ${NEW}`)) throw new Error(`the restored system: ${lan}`);
  await powerOff(guest);
});
await removeWork(dir);
console.log('the restored machine is in its network, by another card in another slot');
