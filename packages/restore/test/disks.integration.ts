import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertSurvey, executePlan, fitSurvey, mkfsCommands, planRestore, type Assignment, type Plan } from '@cdrec/restore';
import { readDisk, readParameters, superblockOf, type FileSystem, type Survey } from '@cdrec/survey';

/** Tables and file systems made again on loop devices, judged by sfdisk, blkid, dumpe2fs, xfs_info and the fsck programs. */
const SOURCE_TABLE = `label: dos
label-id: 0xcdec7777
1 : start=2048, size=200M, type=83, bootable
2 : size=600M, type=5
5 : size=64M, type=83
6 : size=320M, type=83
7 : size=40M, type=c
8 : type=82
`;
const KINDS = [[1, 'ext4'], [5, 'ext3'], [6, 'xfs'], [7, 'vfat']] as const;
let dir: string;
let source: string;
const loops: string[] = [];

const sh = (command: string): string => execFileSync('bash', ['-c', command], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
function attach(image: string): string {
  const loop = sh(`losetup --find --show ${image}`).trim();
  loops.push(loop);
  return loop;
}

beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-disks-');
  sh(`truncate -s 1G ${dir}/source.img; truncate -s 1100M ${dir}/target.img`);
  source = attach(join(dir, 'source.img'));
  execFileSync('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', source], { input: SOURCE_TABLE, stdio: ['pipe', 'ignore', 'pipe'] });
  sh(`partx --add ${source}`);
  sh(`mkfs.ext4 -q -F -L one -m 1 -I 128 -b 1024 -O ^metadata_csum,^64bit ${source}p1; tune2fs -o journal_data ${source}p1`);
  sh(`mkfs.ext3 -q -F -L five ${source}p5; mkfs.xfs -q -f -L six -m rmapbt=1,bigtime=0 ${source}p6; mkfs.vfat -F16 -n SEVEN ${source}p7; mkswap -L eight ${source}p8`);
});
afterAll(() => {
  for (const loop of loops) sh(`partx --delete ${loop} || true; losetup --detach ${loop}`);
  rmSync(dir, { recursive: true, force: true });
});

async function surveyOf(): Promise<Survey> {
  const table = await readDisk(source);
  const fileSystems = await Promise.all(KINDS.map(async ([partition, type]): Promise<FileSystem> => {
    const device = `${source}p${String(partition)}`;
    const block = await superblockOf(device);
    return { device, disk: source, partition, type, uuid: block.uuid, label: block.label, bytes: 1, usedBytes: 1, mount: `/m${String(partition)}`, options: '', parameters: await readParameters(type, device, device, block.version) };
  }));
  const swap = await superblockOf(`${source}p8`);
  return {
    version: 1, created: '', host: { name: 'h', os: '', osId: '', osVersion: '', arch: '', cpu: '', cpus: 1, memoryBytes: 1, vendor: '', product: '' },
    boot: { firmware: 'bios', secureBoot: false, kernel: { version: '', image: '', modules: '' }, commandLine: '', loaders: [], entries: [] }, modules: [], network: [], routes: [], nameServers: [], searchDomains: [],
    disks: [{ device: source, model: '', serial: '', wwn: '', transport: '', bytes: 2 ** 30, sectorBytes: 512, used: true, links: [], ...(table === undefined ? {} : { table }) }],
    fileSystems, swaps: [{ device: `${source}p8`, disk: source, partition: 8, uuid: swap.uuid, label: swap.label, bytes: 1 }], layers: [], swapFiles: [], images: [], unsupported: [], configuration: {},
  };
}

describe('an MBR disk with logical partitions', () => {
  it('comes back alike: table, types, ids, features', async () => {
    const survey = await surveyOf();
    const target = attach(join(dir, 'target.img'));
    const assignment: Assignment = { source: survey.disks[0] as Assignment['source'], rule: 'named by you', target: { device: target, bytes: 1100 * 2 ** 20, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: true } };
    const whole = planRestore({ survey, assignments: [assignment], archives: KINDS.map(([n]) => ({ kind: 'tar' as const, device: '', name: `a${String(n)}`, mount: `/m${String(n)}`, compress: 'none', contentBytes: 0 })) });
    const plan: Plan = { ...whole, steps: whole.steps.filter((s) => s.kind !== 'extract') };
    await executePlan(plan, { openArchive: () => { throw new Error('no archive here'); }, journal: join(dir, 'journal'), work: dir, path: '/usr/sbin:/usr/bin', uefi: false });

    const table = (d: string): string => sh(`sfdisk --dump ${d}`).replace(/^(device|last-lba):.*\n/gm, '').replaceAll(d, '');
    expect(table(target)).toBe(table(source));
    const ids = (d: string): string => sh(`for n in 1 5 6 7 8; do blkid -p -o value -s TYPE -s UUID -s LABEL -s VERSION ${d}p$n; done`);
    expect(ids(target)).toBe(ids(source));
    const ext = (d: string): string => sh(`for n in 1 5; do dumpe2fs -h ${d}p$n 2>/dev/null | grep -E '^(Filesystem features|Block size|Inode size|Inode count|Block count|Reserved block count|Default mount options):'; done`);
    expect(ext(target)).toBe(ext(source));
    const xfs = (d: string): string => sh(`xfs_info ${d}p6`).replaceAll(d, '');
    expect(xfs(target)).toBe(xfs(source));
    sh(`e2fsck -fn ${target}p1 && e2fsck -fn ${target}p5 && xfs_repair -n ${target}p6 && fsck.vfat -n ${target}p7`);

    // A second run of the same plan does nothing: the journal knows every step.
    const states: string[] = [];
    await executePlan(plan, { openArchive: () => { throw new Error('no archive here'); }, journal: join(dir, 'journal'), work: dir, path: '/usr/sbin:/usr/bin', uefi: false, onStep: (_, s) => states.push(s) });
    expect(new Set(states)).toEqual(new Set(['skipped']));

    // rescue.post_exec: the last step, with the restored system mounted; a hook that fails is a step that failed.
    const script = join(dir, 'post_exec');
    writeFileSync(script, 'echo "$CDREC_ROOT" > "$CDREC_ROOT/m1/hook"; test -d "$CDREC_ROOT/proc/1"\n');
    const hooked = planRestore({ survey, assignments: [assignment], archives: KINDS.map(([n]) => ({ kind: 'tar' as const, device: '', name: `a${String(n)}`, mount: `/m${String(n)}`, compress: 'none', contentBytes: 0 })), postExec: script });
    expect(hooked.steps.at(-1)).toMatchObject({ kind: 'hook', script });
    // This kernel may have no vfat.
    const hook: Plan = { ...hooked, steps: hooked.steps.flatMap((s) => (s.kind === 'hook' ? [{ ...s, fileSystems: s.fileSystems.filter((f) => f.type !== 'vfat') }] : [])) };
    const options = { openArchive: () => { throw new Error('no archive here'); }, journal: join(dir, 'journal2'), work: dir, path: '/usr/sbin:/usr/bin', uefi: false };
    await executePlan(hook, options);
    expect(sh(`debugfs -R 'cat /hook' ${target}p1 2>/dev/null`).trim()).toBe(join(dir, 'root'));
    writeFileSync(script, 'echo broken >&2; exit 7\n');
    await expect(executePlan({ ...hook, id: 'other' }, options)).rejects.toThrow(/post_exec.*status 7: broken/);
    expect(sh('cat /proc/mounts')).not.toContain(dir);
  });
});

describe('a disk that somebody looks at', () => {
  it('is told its new partitions when the old ones are free: none keeps its old size', async () => {
    const survey = await surveyOf();
    sh(`truncate -s 1100M ${dir}/held.img; printf 'label: dos\\nstart=2048, size=900000\\n' | sfdisk -q ${dir}/held.img`);
    const target = attach(join(dir, 'held.img'));
    sh(`partx --add ${target}`);
    const assignment: Assignment = { source: survey.disks[0] as Assignment['source'], rule: 'named by you', target: { device: target, bytes: 1100 * 2 ** 20, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: true } };
    const whole = planRestore({ survey, assignments: [assignment], archives: KINDS.map(([n]) => ({ kind: 'tar' as const, device: '', name: `a${String(n)}`, mount: `/m${String(n)}`, compress: 'none', contentBytes: 0 })) });
    const holder = spawn('bash', ['-c', `exec 3< ${target}p1; echo; sleep 3`], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    await executePlan({ ...whole, steps: whole.steps.filter((s) => s.kind === 'wipe' || s.kind === 'table') }, { openArchive: () => { throw new Error('no archive here'); }, journal: join(dir, 'journal-held'), work: dir, path: '/usr/sbin:/usr/bin', uefi: false });
    const sizes = (disk: string): string => sh(`for n in 1 5 6 7 8; do cat /sys/class/block/${basename(disk)}p$n/size; done`);
    expect(sizes(target)).toBe(sizes(source));
  });
});

describe('a plan that changes the layout', () => {
  it.each([['gpt', 1400, true], ['gpt', 1100, false], ['dos', 1300, true]] as const)('%s on %i MiB (grow: %s): what is on the disk afterwards is what the plan said', async (kind, mib, grow) => {
    const whole = await surveyOf();
    const { survey, partUuids } = convertSurvey(whole, new Map([[source, kind]]));
    const image = join(dir, `layout-${kind}-${String(mib)}.img`);
    sh(`truncate -s ${String(mib)}M ${image}`);
    const target = attach(image);
    const assignment: Assignment = { source: survey.disks[0] as Assignment['source'], rule: 'named by you', target: { device: target, bytes: mib * 2 ** 20, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: true } };
    const plan = planRestore({ survey, partUuids, grow, rules: { fixed: ['/m5'] }, assignments: [assignment], archives: KINDS.map(([n]) => ({ kind: 'tar' as const, device: '', name: `a${String(n)}`, mount: `/m${String(n)}`, compress: 'none', contentBytes: 0 })) });
    const made: Plan = { ...plan, steps: plan.steps.filter((s) => s.kind !== 'extract') };
    await executePlan(made, { openArchive: () => { throw new Error('no archive here'); }, journal: join(dir, `journal-${kind}-${String(mib)}`), work: dir, path: '/usr/sbin:/usr/bin', uefi: false });
    const said = fitSurvey(survey, [assignment], grow, { fixed: ['/m5'] }).survey.disks[0]?.table;
    const found = await readDisk(target);
    const plain = (t: typeof found) => [...(t?.partitions ?? [])].sort((a, b) => a.number - b.number).map((p) => [p.number, p.start, p.sectors, p.type.toLowerCase().replace(/^0/, ''), ...(t?.type === 'gpt' ? [p.uuid?.toLowerCase()] : [])]);
    expect(plain(found)).toEqual(plain(said));
    expect([found?.type, found?.id.toLowerCase()]).toEqual([kind, said?.id.toLowerCase()]);
    if (grow) expect(plan.changes.length).toBeGreaterThan(0);
    expect(found?.partitions.find((p) => p.number === 5)?.sectors).toBe(64 * 2048); // fixed
    for (const [n, type] of KINDS) expect(await superblockOf(`${target}p${String(n)}`), String(n)).toMatchObject({ type, uuid: survey.fileSystems.find((f) => f.partition === n)?.uuid });
    // Planned again from what is there now, nothing changes any more: a fixed point.
    const again = { ...survey, disks: survey.disks.map((d) => ({ ...d, ...(found === undefined ? {} : { table: { ...found, partitions: found.partitions.map((p) => ({ ...p, node: survey.disks[0]?.table?.partitions.find((q) => q.number === p.number)?.node ?? p.node })) } }) })) };
    expect(fitSurvey(again, [{ ...assignment, source: again.disks[0] as Assignment['source'] }], grow, { fixed: ['/m5'] }).changes).toEqual([]);
  });
});

describe('a FAT on sectors of 4096 bytes', () => {
  it.each([[12, '12'], [64, '16'], [255, '16'], [300, '32']] as const)('of %i MiB is a FAT%s', (mib, bits) => {
    const image = join(dir, `fat-${String(mib)}.img`);
    sh(`truncate -s ${String(mib)}M ${image}`);
    // The kernel says EAGAIN while it still has pages of the device's last user: that is no fault of what is tested.
    const device = sh(`for i in 1 2 3 4 5; do losetup --find --show --sector-size 4096 ${image} && exit 0; sleep 0.5; done; exit 1`).trim();
    loops.push(device);
    const disk = { device: '/dev/sda', model: '', serial: '', wwn: '', transport: '', bytes: mib * 2 ** 20, sectorBytes: 512, used: true, links: [] };
    const fs = { device: '/dev/sda', disk: '/dev/sda', partition: 0, type: 'vfat', uuid: 'BEEF-0001', label: 'ESP', bytes: mib * 2 ** 20, usedBytes: 1, mount: '/esp', options: '', parameters: { fatBits: '32' } };
    const plan = planRestore({
      survey: { disks: [disk], fileSystems: [fs], layers: [], swaps: [], swapFiles: [], images: [], modules: [], boot: { loaders: [], entries: [] }, host: { name: '', osId: '' } } as unknown as Survey,
      assignments: [{ source: disk, rule: 'named by you', target: { ...disk, device, sectorBytes: 4096, content: '', refusal: undefined, onlyByName: true } }], archives: [{ kind: 'tar', device: '', name: 'a', mount: '/esp', compress: 'none', contentBytes: 0 }],
    });
    const make = plan.steps.find((s) => s.kind === 'make');
    for (const [program, ...args] of make?.kind === 'make' ? make.commands : []) execFileSync(program, args, { stdio: 'ignore' });
    expect(sh(`blkid -p -o value -s VERSION ${device}`).trim()).toBe(`FAT${bits}`);
    sh(`fsck.vfat -n ${device}`);
  });
});

describe('file systems that this kernel need not know', () => {
  it.each([['f2fs', '028b1762-47db-432d-820d-3263654c3df7'], ['jfs', '028b1762-47db-432d-820d-3263654c3df8'], ['reiserfs', '028b1762-47db-432d-820d-3263654c3df9'], ['exfat', 'BEEF-1234']] as const)('%s gets its UUID and label', async (type, uuid) => {
    sh(`truncate -s 200M ${dir}/${type}.img`);
    const device = attach(join(dir, `${type}.img`));
    for (const [program, ...args] of mkfsCommands({ type, uuid, label: 'my label', parameters: {} } as unknown as FileSystem, device)) execFileSync(program, args, { stdio: 'ignore' });
    expect(await superblockOf(device)).toMatchObject({ type, uuid, label: 'my label' });
  });
});
