// Burning for real, in a virtual DVD+R burner: volumes burned as they are made, read back, the next blank disc asked for,
// a disc that goes away in mid-burn replaced; then the same by growisofs. The burned set is verified from its discs.
// usage: node tools/devices/burn.mjs
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootToLogin, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff } from '@cdrec/rehearse';
import { scsiArguments, Targets, use } from './targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'burn');
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();

await use(Targets.start(), async (targets) => {
  const discs = Array.from({ length: 8 }, (_, i) => path(`D${i + 1}`));
  for (const d of discs) await targets.disc(d);
  const burner = await targets.burner(discs[0]);
  let next = 1;
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image: path('original.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  const burned = {};
  /** Runs a burning command, gives blank discs when they are asked for, and takes the disc away once in mid-burn. */
  const burn = async (guest, command, fault) => {
    let label = '';
    let faults = fault ? 1 : 0;
    guest.send(`${command}; echo "STA""TUS:"$?:\n`);
    for (;;) {
      const m = await guest.expect(/Burning (\S+):|Insert a blank disc for (\S+) into|Write on the disc: (\S+)\s|STATUS:(\d+):/, 900);
      if (m[1] !== undefined) {
        label = m[1];
        if (label.endsWith('_2') && faults > 0) {
          faults--;
          await sleep(1500);
          await targets.lose(burner);
          await guest.expect(/is not on a disc yet: /, 300);
        }
      } else if (m[2] !== undefined) {
        await guest.expect(/press Enter: /, 30);
        await targets.insert(burner, discs[next++]);
        await sleep(1000);
        guest.send('\r');
      } else if (m[3] !== undefined) burned[m[3]] = discs[next - 1];
      else return Number(m[4]);
    }
  };
  await use(Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media: [{ file: path('original.img'), as: 'virtio', boot: true }], log: path('burn.log'), more: scsiArguments([burner]) }), async (guest) => {
    await bootToLogin(guest);
    await guest.must('modprobe sr_mod; modprobe sg; modprobe isofs', 60);
    // QEMU has an empty drive of its own, and the kernel numbers them as it finds them.
    const found = await guest.must("for d in /sys/block/sr*; do grep -q IET $d/device/vendor && echo \"$(readlink $d) /dev/${d##*/}\"; done | sort | sed 's/.* //'", 60);
    const [drive] = found.match(/\/dev\/sr\d+/g);
    const refused = await guest.run('cdrec build --mode iso --burn ' + drive + ' < /dev/null', 60);
    if (refused.status !== 2 || !/only on a terminal/.test(refused.output)) throw new Error(`without a terminal: ${refused.output}`);
    await guest.must("mkdir -p /etc/cdrec && printf '[backup]\\ninclude = [\"/srv\", \"/usr/bin\", \"/usr/sbin\", \"/usr/lib/x86_64-linux-gnu\"]\\n' > /etc/cdrec/cdrec.toml", 30);
    const status = await burn(guest, `TERM=dumb cdrec build --mode iso --label burned --volume-size 110M --burn ${drive}`, true);
    if (status !== 0) throw new Error(`cdrec build --burn ended with status ${status}:\n${guest.tail(3000)}`);
    if (Object.keys(burned).sort().join() !== 'burned_1,burned_2') throw new Error(`burned: ${JSON.stringify(burned)}`);
    // The recovery sheet stays, for it is to be printed; the volumes are on the discs.
    const kept = await guest.must('ls -A /var/lib/cdrec', 30);
    if (/\.iso/.test(kept) || !/burned\.html/.test(kept)) throw new Error(`kept beside the discs: ${kept}`);
    // Both discs, one after another in the one drive: the set is complete and undamaged, and a lone disc is not the set.
    const read = `for i in $(seq 30); do [ "$(blockdev --getsize64 ${drive})" -gt 1000000 ] && break; sleep 1; done`;
    const change = async (disc) => {
      // tgt tells nobody that the disc is another one: the kernel forgets the drive, with the size it knew, and finds it again.
      await targets.insert(burner, disc);
      await guest.must(`echo 1 > /sys/block/${drive.slice(5)}/device/delete; for h in /sys/class/scsi_host/host*/scan; do echo '- - -' > $h; done; sleep 2; ls -l ${drive}`, 60);
    };
    await change(burned.burned_2);
    await guest.must(`${read}; dd if=${drive} of=/var/tmp/2.iso bs=2048 count=$(isosize -d 2048 ${drive}) status=none`, 120);
    await change(burned.burned_1);
    await guest.must(`${read}; blockdev --getsize64 ${drive}`, 60);
    // On a terminal, the other disc would be asked for.
    const lone = await guest.run(`cdrec verify ${drive} < /dev/null`, 300);
    if (lone.status !== 1 || !/burned_2 .*missing/.test(lone.output) || /together they are not/.test(lone.output)) throw new Error(`one disc of two: status ${lone.status}: ${lone.output}`);
    const verified = await guest.run(`TERM=dumb cdrec verify /var/tmp/2.iso ${drive}`, 600);
    if (verified.status !== 0 || !/burned: complete and undamaged \(2 volumes/.test(verified.output)) throw new Error(`verifying the discs: ${verified.output}`);
    await guest.must(`mkdir -p /m && mount -t iso9660 ${drive} /m && ls /m/backup && umount /m; rm /var/tmp/2.iso`, 60);
    // An ISO file by growisofs, onto a disc that is not blank first.
    await guest.must("printf '[output]\\nburn_program = \"growisofs\"\\n' > /etc/cdrec/grow.toml && cdrec build --mode rescue --label rescue 2> /dev/null", 600);
    const grown = await burn(guest, `TERM=dumb cdrec burn --config /etc/cdrec/grow.toml --disc ${drive} /var/lib/cdrec/rescue_1.iso`, false);
    if (grown !== 0 || burned.rescue_1 === undefined) throw new Error(`growisofs: status ${grown}\n${guest.tail(3000)}`);
    await powerOff(guest);
  });
  console.log(`burned and compared: ${Object.keys(burned).join(', ')}; one disc lost in mid-burn, ${next} discs used`);
});
rmSync(dir, { recursive: true, force: true });
