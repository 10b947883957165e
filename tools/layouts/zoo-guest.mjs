// Runs inside of the guest of zoo.mjs, bundled. One scenario a call: makes it, surveys, keeps the files of its file systems, lets everything go, plans the
// restore onto blank disks, carries the plan out, and surveys again. usage: node zoo-guest.mjs SCENARIO.json
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { disksUnder, executePlan, formatPlan, planRestore, readTargets } from '@cdrec/restore';
import { hasFlags, readFlags } from '@cdrec/backup';
import { readSurvey } from '@cdrec/survey';
import { differences, essence } from './essence.mjs';

const scenario = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sh = (command) => execFileSync('bash', ['-ec', `export DM_DISABLE_UDEV=\n${command}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
const OWN = /^\/dev\/vd[b-e]$/;

/** The part of the survey that lies on the disks of the scenario. */
async function survey() {
  const all = await readSurvey({ path: process.env.PATH, now: Date.now() });
  const mine = (x) => disksUnder(all, x.device).some((d) => OWN.test(d)) || /^\/z/.test(x.mount ?? '');
  return {
    ...all, boot: { ...all.boot, loaders: [], entries: [] }, disks: all.disks.filter((d) => OWN.test(d.device) && d.used),
    layers: all.layers.filter((l) => (l.type === 'vg' ? l.physical.some((p) => mine(p)) : l.type === 'btrfs' ? l.devices.some((device) => mine({ device })) : mine(l))),
    fileSystems: all.fileSystems.filter(mine), swaps: all.swaps.filter(mine), images: [],
  };
}

const result = { name: scenario.name };
try {
  sh(scenario.make);
  if (scenario.files !== false) for (const m of sh("findmnt -lno TARGET | grep ^/z || true").split('\n').filter(Boolean)) sh(`cp -a /usr/share/common-licenses '${m}/' 2> /dev/null || cp -rL /usr/share/common-licenses '${m}/'`);
  const before = await survey();
  result.unsupported = before.unsupported.map((u) => `${u.object}: ${u.what}: ${u.reason}`);
  if (scenario.found !== undefined) {
    result.ok = before.fileSystems.some((f) => f.mount === scenario.found);
    if (!result.ok) result.survey = essence(before);
  } else if (scenario.unsupported !== undefined) {
    result.ok = result.unsupported.some((u) => new RegExp(scenario.unsupported).test(u));
    if (!result.ok) result.survey = essence(before);
  } else {
    if (result.unsupported.length > 0) throw new Error(`not supported: ${result.unsupported.join('; ')}`);
    rmSync('/root/zoo', { recursive: true, force: true });
    mkdirSync('/root/zoo');
    const archives = before.fileSystems.map((f, i) => {
      sh(`tar -C '${f.mount}' --one-file-system --sparse --acls --xattrs --xattrs-include='*' -b 128 -cf /root/zoo/${i} .`);
      return { name: String(i), kind: 'tar', mount: f.mount, device: f.device, compress: 'none', contentBytes: Number(sh(`stat -c %s /root/zoo/${i}`)) };
    });
    for (const [i, f] of before.fileSystems.entries()) {
      const flags = hasFlags(f.type) ? await readFlags(f.mount) : '';
      if (flags.length === 0) continue;
      writeFileSync(`/root/zoo/${i}.flags`, flags);
      archives.push({ name: `${i}.flags`, kind: 'flags', mount: f.mount, device: f.device, compress: 'none', contentBytes: flags.length });
    }
    const stop = `sync; swapoff $(swapon --noheadings --show=NAME | grep -E 'md|dm|mapper|vd[b-z]') 2> /dev/null || true
findmnt -lno TARGET | grep '^/z' | sort -r | while IFS= read -r m; do umount -R "$m" 2> /dev/null || true; done`;
    sh(stop);
    const targets = await readTargets([]);
    const to = scenario.to ?? {};
    const assignments = before.disks.map((source) => ({ source, target: targets.find((t) => t.device === (to[source.device] ?? source.device)), rule: 'named by you' }));
    const plan = planRestore({ survey: before, archives, assignments, grow: scenario.grow === true });
    result.plan = formatPlan(plan);
    // As in the rescue system, where nothing of it is active.
    sh(`vgchange -an > /dev/null 2>&1 || true; for m in $(ls /dev/mapper | grep -v control); do dmsetup remove --retry $m > /dev/null 2>&1 || true; done; vgchange -an > /dev/null 2>&1 || true
for m in $(ls -d /dev/md?* 2> /dev/null); do [ ! -b $m ] || mdadm --stop $m > /dev/null 2>&1 || true; done; vgchange -an > /dev/null 2>&1 || true
for m in $(ls /dev/mapper | grep -v control); do dmsetup remove --retry $m > /dev/null 2>&1 || true; done; for m in $(ls -d /dev/md?* 2> /dev/null); do [ ! -b $m ] || mdadm --stop $m > /dev/null 2>&1 || true; done
find /dev -xdev -mindepth 2 -maxdepth 2 -xtype l -delete; find /dev -xdev -mindepth 1 -maxdepth 1 -type d -empty -exec rmdir {} + 2> /dev/null || true
${scenario.keep === true ? 'exit 0' : ''}
for d in b c d e f g h i; do dd if=/dev/zero of=/dev/vd$d bs=1M count=8 conv=notrunc status=none; for p in /dev/vd$d[0-9]*; do [ ! -b $p ] || wipefs -aqf $p; done; wipefs -aqf /dev/vd$d; partx -d /dev/vd$d 2> /dev/null || true; done`);
    const done = await executePlan(plan, { openArchive: (name) => createReadStream(`/root/zoo/${name}`, { highWaterMark: 1 << 18 }), passphrase: () => Promise.resolve('zoo'), path: process.env.PATH, journal: '/root/zoo/journal', work: '/root/zoo/mnt', uefi: false });
    result.remarks = done.remarks;
    const bySize = (x) => plan.steps.find((s) => s.kind === 'extract' && s.mount === x.mount);
    for (const f of [...before.fileSystems].sort((x, y) => (x.mount < y.mount ? -1 : 1))) {
      if (f.nested === true) continue;
      const step = bySize(f);
      sh(`mkdir -p '${f.mount}'; mount -t ${f.type} ${step.options === undefined ? '' : `-o '${step.options}'`} ${step.device} '${f.mount}'`);
    }
    for (const s of before.swaps) sh(`swapon UUID=${s.uuid}`);
    for (const [i, f] of before.fileSystems.entries()) if (f.type !== 'vfat') sh(`tar -C '${f.mount}' --acls --xattrs --xattrs-include='*' -df /root/zoo/${i}`);
    sh(scenario.check ?? 'true');
    if (scenario.to === undefined) {
      result.differences = differences(essence(before), essence(await survey())).filter((d) => !(scenario.expected ?? []).some((e) => new RegExp(e).test(d)));
      result.ok = result.differences.length === 0;
    } else result.ok = true;
    sh(stop);
  }
} catch (error) {
  result.ok = false;
  result.error = `${error.message}\n${error.stderr ?? ''}`;
}
writeFileSync('/root/result.json', JSON.stringify(result, null, 1));
