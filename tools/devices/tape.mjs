// A set on two tapes: written in a booted sample with a real end of tape, read back by the rescue system with the block
// size set wrong, restored, compared; and the same drive over SSH from another network namespace.
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
await use(Targets.start(), async (targets) => {
  const tapes = [await targets.tape(path('A00001L4'), 100, 'A00001L4'), await targets.tape(path('A00002L4'), 400, 'A00002L4'), await targets.tape(path('A00003L4'), 400, 'A00003L4')];
  const start = (name, media, devices) => Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media, log: path(`${name}.log`), more: scsiArguments(devices) });

  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image: path('original.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  await execa('truncate', ['-s', '1G', path('store.img')]);
  await execa('mkfs.ext4', ['-q', '-F', path('store.img')]);

  let since;
  await use(start('build', [{ file: path('original.img'), as: 'virtio', boot: true }, { file: path('store.img'), as: 'virtio' }], tapes), async (guest) => {
    await bootToLogin(guest);
    await guest.must('modprobe st && modprobe sg && mount /dev/vdb /mnt && ls /dev/nst2', 60);
    since = Number(/\d{9,}/.exec(await guest.must('date +%s', 30))[0]) * 1000;
    const built = await guest.run('TERM=dumb cdrec build --mode tape --tape /dev/nst0 --tape /dev/nst1 --out /mnt --exclude-mount /mnt', 1500);
    console.log(built.output);
    if (built.status !== 0 && built.status !== 3) throw new Error(`cdrec build ended with status ${built.status}`);
    // The first tape is shorter than the archive: its end was a real one.
    const index = JSON.parse(await guest.must('cat /mnt/*_tape.json', 60));
    if (index.archives[0].pieces.length !== 2 || index.volume !== 2) throw new Error(`${index.archives[0].pieces.length} pieces on ${index.volume} tapes`);
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
    // ssh dies in mid-writing: said, status 1, nothing left behind.
    const killed = await guest.run('(while ! pgrep -f "ssh.*dd of=/dev/nst2 bs" > /dev/null; do sleep 0.2; done; sleep 3; pkill -KILL -f "ssh.*dd of=/dev/nst2 bs") & TERM=dumb cdrec build --mode tape --config /etc/cdrec/remote.toml --overwrite --tape root@10.9.0.2:/dev/nst2 --out /mnt --label killed --exclude-mount /mnt', 900);
    if (killed.status !== 1 || !/TAPE_FAILED.*ended by signal 9/.test(killed.output)) throw new Error(`ssh killed: status ${killed.status}\n${killed.output}`);
    if (/killed/.test(await guest.must('ls -A /mnt; ps ax -o args', 30).then((t) => t.replace(/.*pgrep.*/g, '')))) throw new Error('a failed build left something behind');
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
    const restored = await guest.run('TERM=dumb start-restore --tape /dev/nst0 --tape /dev/nst1 --disk /dev/vda --yes', 1500);
    console.log(restored.output);
    if (restored.status !== 0 && restored.status !== 3) throw new Error(`start-restore ended with status ${restored.status}`);
    await powerOff(guest);
  });
  const compared = await use(attachImage(path('original.img'), true), (a) => use(attachImage(path('restored.img'), true), (b) => withMounts([['-t', 'ext4', '-o', 'ro,noload', a.partition(1), path('a')], ['-t', 'ext4', '-o', 'ro,noload', b.partition(1), path('b')]], () => compareTrees(path('a'), path('b'), { since, without: ['./tmp'] }))));
  console.log(`${compared.entries} entries compared, ${compared.differences.length} differences, ${compared.changed.length} changed after the backup began`);
  if (compared.entries < 5000 || compared.differences.length > 0) throw new Error(compared.differences.slice(0, 20).join('\n'));
  rmSync(dir, { recursive: true, force: true });
});
