// A set on two tapes: written in a booted sample with a real end of tape, read back by the rescue system with the block
// size set wrong, from one drive whose tapes output.tape_change fetches, restored, compared; the same drive over SSH from another network
// namespace; and a set that goes over several tapes of one drive without a person.
// usage: node tools/devices/tape.mjs
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, compareTrees, Guest, makeBaseSystem, makeSampleDisk, powerOff, withMounts } from '@cdrec/rehearse';
import { scsiArguments, Targets, use } from './targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'tape');
rmSync(dir, { recursive: true, force: true });
mkdirSync(join(dir, 'set'), { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();
/** The changer's arm: asks this script on the serial line, and waits for its answer. */
const CHANGER = `mkdir -p /etc/cdrec; printf '%s\\n' '#!/bin/bash' 'mt -f "$CDREC_TAPE" offline' 'echo "TAPE-WANTED:$CDREC_TAPE_NUMBER:$CDREC_TAPE_LABEL:" > /dev/ttyS0' 'read -r _ < /dev/ttyS0' > /usr/local/sbin/next-tape; chmod 755 /usr/local/sbin/next-tape`;
const CHANGER_CONFIG = '[output]\\ntape_change = "/usr/local/sbin/next-tape"\\n';
/** Runs a command whose tapes are changed; `bring` puts tape n (0: the last one) into the drive. Returns the status, and the tapes in the order they were asked for. */
async function changing(guest, command, bring) {
  const wanted = [];
  guest.send(`${command}; echo "STA""TUS:"$?:\n`);
  for (;;) {
    const m = await guest.expect(/TAPE-WANTED:(\d+):([A-Za-z0-9._-]*):|STATUS:(\d+):/, 1500);
    if (m[3] !== undefined) return { status: Number(m[3]), wanted, output: guest.tail(4000) };
    wanted.push(`${m[1]} ${m[2]}`);
    await bring(Number(m[1]));
    guest.send('\r');
  }
}
await use(Targets.start(), async (targets) => {
  const tapes = [await targets.tape(path('A00001L4'), 100, 'A00001L4'), await targets.tape(path('A00002L4'), 400, 'A00002L4'), await targets.tape(path('A00003L4'), 400, 'A00003L4')];
  const drive = await targets.tape(path('B1'), 100, 'B1');
  const start = (name, media, devices) => Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media, log: path(`${name}.log`), more: scsiArguments(devices) });

  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image: path('original.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  await execa('truncate', ['-s', '1G', path('store.img')]);
  await execa('mkfs.ext4', ['-q', '-F', path('store.img')]);

  let since;
  await use(start('build', [{ file: path('original.img'), as: 'virtio', boot: true }, { file: path('store.img'), as: 'virtio' }], [...tapes, drive]), async (guest) => {
    await bootToLogin(guest);
    await guest.must('modprobe st && modprobe sg && mount /dev/vdb /mnt && ls /dev/nst3', 60);
    await guest.must(`${CHANGER}; printf '${CHANGER_CONFIG}[rescue]\\nfiles = ["/usr/local/sbin/next-tape"]\\n' > /etc/cdrec/cdrec.toml`, 30);
    since = Number(/\d{9,}/.exec(await guest.must('date +%s', 30))[0]) * 1000;
    const built = await guest.run('TERM=dumb cdrec build --mode tape --tape /dev/nst0 --tape /dev/nst1 --out /mnt --exclude-mount /mnt', 1500);
    console.log(built.output);
    if (built.status !== 0 && built.status !== 3) throw new Error(`cdrec build ended with status ${built.status}`);
    // The first tape is shorter than the archive: its end was a real one.
    const index = JSON.parse(await guest.must('cat /mnt/*_tape.json', 60));
    if (index.archives[0].pieces.length !== 2 || index.volume !== 2) throw new Error(`${index.archives[0].pieces.length} pieces on ${index.volume} tapes`);
    const both = await guest.run('TERM=dumb cdrec verify --tape /dev/nst0 --tape /dev/nst1 < /dev/null', 600);
    if (both.status !== 0 || !/complete and undamaged/.test(both.output)) throw new Error(`verifying both tapes: ${both.output}`);
    const again = await guest.run('TERM=dumb cdrec build --mode tape --tape /dev/nst0 --out /mnt --label other --exclude-mount /mnt < /dev/null', 600);
    if (again.status !== 1 || !/TAPE_IN_USE.*tape 1 of the recovery set/.test(again.output)) throw new Error(`a tape with a set was not refused: ${again.output}`);
    if (/other/.test(await guest.must('ls -A /mnt', 30))) throw new Error('a refused build left something behind');
    const wrong = await guest.run('TERM=dumb cdrec verify --tape /dev/nst2', 300);
    if (wrong.status !== 1 || !/SET_NOT_FOUND.*blank/.test(wrong.output)) throw new Error(`a blank tape: ${wrong.output}`);
    // Another network namespace is another host, as far as SSH can tell.
    await guest.must([
      'ip netns add far', 'ip link add near type veth peer name far netns far', 'ip addr add 10.9.0.1/24 dev near', 'ip link set near up', 'ip -n far addr add 10.9.0.2/24 dev far', 'ip -n far link set far up', 'ip -n far link set lo up',
      'mkdir -p /run/sshd ~/.ssh', "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519", 'cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys', 'ip netns exec far /usr/sbin/sshd', 'ssh-keyscan -t ed25519 10.9.0.2 > ~/.ssh/known_hosts 2> /dev/null',
    ].join(' && '), 120);
    await guest.must("mkdir -p /etc/cdrec && printf '[backup]\\ninclude = [\"/srv\", \"/usr/bin\"]\\n' > /etc/cdrec/remote.toml", 30);
    const remote = await guest.run('TERM=dumb cdrec build --mode tape --config /etc/cdrec/remote.toml --tape root@10.9.0.2:/dev/nst2 --out /mnt --label remote --exclude-mount /mnt', 900);
    if (remote.status !== 0) throw new Error(`remote tape: status ${remote.status}\n${remote.output}`);
    const verified = await guest.run('TERM=dumb cdrec verify --tape root@10.9.0.2:/dev/nst2', 300);
    if (verified.status !== 0 || !/remote: complete and undamaged/.test(verified.output)) throw new Error(`verifying the remote tape: ${verified.output}`);
    // ssh dies in mid-writing (the one that writes for three seconds: those for the first small files are gone by then): said, status 1, nothing left behind.
    const killed = await guest.run('(until pids=$(pgrep -f "ssh.*dd of=/dev/nst2 bs") && sleep 3 && kill -KILL $pids; do sleep 0.2; done) & TERM=dumb cdrec build --mode tape --config /etc/cdrec/remote.toml --overwrite --tape root@10.9.0.2:/dev/nst2 --out /mnt --label killed --exclude-mount /mnt', 900);
    if (killed.status !== 1 || !/TAPE_FAILED.*ended by signal 9/.test(killed.output)) throw new Error(`ssh killed: status ${killed.status}\n${killed.output}`);
    if (/killed/.test(await guest.must('ls -A /mnt; ps ax -o args', 30).then((t) => t.replace(/.*pgrep.*/g, '')))) throw new Error('a failed build left something behind');
    // One drive, several tapes, nobody there: the command changes them, when the set is made and when it is read.
    await guest.must(`printf '[backup]\\ninclude = ["/srv", "/usr/bin"]\\n${CHANGER_CONFIG}tape_capacity = "5M"\\n' > /etc/cdrec/cdrec.toml`, 30);
    const made = await changing(guest, 'TERM=dumb cdrec build --mode tape --tape /dev/nst3 --out /mnt --label changer --exclude-mount /mnt < /dev/null', async (n) => {
      await targets.blankTape(path(`B${n}`), 100, `B${n}`);
      await targets.insert(drive, path(`B${n}`), 'tape');
    });
    const last = made.wanted.length + 1;
    if (made.status !== 0 || last < 3 || made.wanted.some((w, i) => w !== `${i + 2} changer`)) throw new Error(`changing tapes: status ${made.status}, ${made.wanted.join('; ')}\n${made.output}`);
    const bring = (n) => targets.insert(drive, path(`B${n === 0 ? last : n}`), 'tape');
    await bring(1);
    const all = await changing(guest, 'TERM=dumb cdrec verify --tape /dev/nst3 < /dev/null', bring);
    if (all.status !== 0 || all.wanted.join() !== ['0 changer', ...Array.from({ length: last }, (_, i) => `${i + 1} changer`)].join() || !/changer: complete and undamaged/.test(all.output)) throw new Error(`verifying from a changer: status ${all.status}, ${all.wanted.join('; ')}\n${all.output}`);
    await bring(1);
    const lost = await changing(guest, 'TERM=dumb cdrec verify --tape /dev/nst3 < /dev/null', () => bring(1));
    if (lost.status !== 1 || !/TAPE_NEEDED.*for the second time/.test(lost.output)) throw new Error(`a changer without the right tape: status ${lost.status}\n${lost.output}`);
    await guest.must('umount /mnt', 120);
    await powerOff(guest);
  });
  await use(attachImage(path('store.img')), async (store) => {
    await withMounts([['-o', 'ro', store.device, path('mnt')]], () => execa('bash', ['-c', 'cp "$1"/CDrec*_1.iso "$2"/', 'copy', path('mnt'), path('set')]));
  });
  rmSync(path('store.img'));
  await execa('truncate', ['-s', '2112M', path('restored.img')]);
  await use(start('restore', [{ file: join(path('set'), readdirSync(path('set'))[0]), as: 'cdrom', boot: true }, { file: path('restored.img'), as: 'virtio' }], tapes), async (guest) => {
    await bootToRescue(guest);
    await guest.must('modprobe st; mt -f /dev/nst0 setblk 512; mt -f /dev/nst1 setblk 1024', 120);
    const small = await guest.run('dd if=/dev/nst0 of=/dev/null bs=64k count=1', 60);
    if (small.status === 0) throw new Error('the tape was read with a wrong block size: the test tests nothing');
    const restored = await changing(guest, 'TERM=dumb start-restore --tape /dev/nst0 --disk /dev/vda --yes', (n) => targets.insert(tapes[0], path(n === 1 ? 'A00001L4' : 'A00002L4'), 'tape'));
    console.log(restored.output, restored.wanted);
    if (restored.status !== 0 && restored.status !== 3) throw new Error(`start-restore ended with status ${restored.status}`);
    if (restored.wanted[0]?.startsWith('0 ') !== true || restored.wanted.length < 4) throw new Error(`the command of the rescue system changed no tapes: ${restored.wanted.join('; ')}`);
    await powerOff(guest);
  });
  const compared = await use(attachImage(path('original.img'), true), (a) => use(attachImage(path('restored.img'), true), (b) => withMounts([['-t', 'ext4', '-o', 'ro,noload', a.partition(1), path('a')], ['-t', 'ext4', '-o', 'ro,noload', b.partition(1), path('b')]], () => compareTrees(path('a'), path('b'), { since, without: ['./tmp'] }))));
  console.log(`${compared.entries} entries compared, ${compared.differences.length} differences, ${compared.changed.length} changed after the backup began`);
  if (compared.entries < 5000 || compared.differences.length > 0) throw new Error(compared.differences.slice(0, 20).join('\n'));
  rmSync(dir, { recursive: true, force: true });
});
