import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readParameters, superblockOf, type Disk, type FileSystem, type Survey } from '@cdrec/survey';
import { mkfsCommands, neededPrograms } from '../src/commands.ts';
import { describeStep } from '../src/describe.ts';
import { fitSurvey, leastDiskBytes } from '../src/fit.ts';
import type { Step } from '../src/plan.ts';

/** File systems as administrators have tuned them: read, made again, and compared by their own tools. */
let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-mkfs-')); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

const UUID = '0f3a6f52-5b3c-4c8e-9d57-2a3c0b1d4e5f';
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** What the file system says of itself, but for times, counts and what is random. */
function says(type: string, device: string): string[] {
  if (type === 'xfs') return run('xfs_db', '-r', '-c', 'info', '-c', 'version', '-c', 'uuid', '-c', 'label', device).split('\n').filter((l) => !l.startsWith('meta-data'));
  const volatile = /^(Filesystem (created|state)|Last (mounted on|mount time|write time|checked)|Next check after|Mount count|Lifetime writes|Directory Hash Seed|Checksum|Journal (checksum|sequence|start)|Free (blocks|inodes)|Overhead|First error|MMP_block| +mmp_|Journal backup)/;
  return run('dumpe2fs', '-h', device).split('\n').filter((l) => !volatile.test(l)).map((l) => l.replace(/^(Reserved block count: +)\d+/, (all, head: string) => `${head}${String(Math.round(Number(/\d+$/.exec(all)) / 4))} x 4`));
}

const CASES: readonly (readonly [name: string, type: FileSystem['type'], make: string[], tune?: string[]])[] = [
  ['ext4 as it is', 'ext4', []],
  ['ext4 with checks, errors, reserve', 'ext4', ['-m', '0.5'], ['-c', '20', '-i', '30d', '-e', 'remount-ro', '-u', '1000', '-g', '50']],
  ['ext4 that panics, with options in its superblock', 'ext4', ['-L', 'größe  "zwei"\\'], ['-e', 'panic', '-o', 'user_xattr,acl,journal_data_writeback,nobarrier', '-E', 'mount_opts=nodelalloc']],
  ['ext4 without default options', 'ext4', [], ['-o', '^user_xattr,^acl']],
  ['ext4 with clusters', 'ext4', ['-O', 'bigalloc', '-C', '65536']],
  ['ext4 on an array', 'ext4', ['-E', 'stride=16,stripe_width=64', '-G', '32']],
  ['ext4 with quota, projects, casefold', 'ext4', ['-O', 'quota,project,casefold,inline_data,large_dir,ea_inode', '-I', '512']],
  ['ext4 with multiple mount protection, old tables', 'ext4', ['-O', '^metadata_csum,uninit_bg,^64bit,mmp', '-E', 'mmp_update_interval=11']],
  ['ext4 without a journal, 1 KiB blocks', 'ext4', ['-b', '1024', '-O', '^has_journal,^resize_inode,sparse_super2,meta_bg', '-i', '4096']],
  ['ext3', 'ext3', ['-I', '128'], ['-E', 'hash_alg=tea']],
  ['ext2', 'ext2', ['-m', '1']],
  ['xfs as it is', 'xfs', []],
  ['xfs on an array', 'xfs', ['-d', 'su=64k,sw=4', '-i', 'maxpct=40,size=1024']],
  ['xfs with large directory blocks', 'xfs', ['-n', 'size=16384', '-m', 'rmapbt=1,reflink=0', '-L', 'my dätä']],
  ['xfs without regard to case', 'xfs', ['-n', 'version=ci', '-m', 'bigtime=0,inobtcount=0']],
  ['xfs smaller than mkfs.xfs makes them today', 'xfs', ['--unsupported']],
  ['xfs of old', 'xfs', ['-m', 'crc=0,finobt=0,reflink=0,rmapbt=0,bigtime=0,inobtcount=0', '-i', 'size=256,sparse=0', '-n', 'ftype=0']],
];

describe('a file system is made again alike', () => {
  it('a small xfs by the same program, though a shell may run it twice', () => {
    const fs = { type: 'xfs', uuid: UUID, label: '', parameters: {}, bytes: 200 << 20 } as unknown as FileSystem;
    expect(neededPrograms({ disks: [], layers: [], fileSystems: [fs], swaps: [], swapFiles: [], images: [] })).toEqual(['mkfs.xfs']);
    expect(describeStep({ id: 'make', kind: 'make', commands: mkfsCommands(fs, '/dev/sda1') } as unknown as Step)).toMatch(/^mkfs\.xfs -q -f .* \/dev\/sda1$/);
  });
  for (const [name, type, make, tune] of CASES) it(name, async () => {
    const [one, two] = [join(dir, 'one.img'), join(dir, 'two.img')];
    for (const image of [one, two]) {
      rmSync(image, { force: true });
      run('truncate', '-s', make.includes('--unsupported') ? '200M' : '1G', image);
    }
    if (type === 'xfs') run('mkfs.xfs', '-q', ...make, '-m', `uuid=${UUID}`, one);
    else run('mke2fs', '-q', '-F', '-t', type, '-U', UUID, ...make, one);
    if (tune !== undefined) run('tune2fs', ...tune, one);
    const before = says(type, one);
    // xfs_info says the same of a file as of a mount: not every kernel still mounts the older kinds.
    const parameters = await readParameters(type, one, one, '');
    const { label } = await superblockOf(one);
    for (const [program, ...args] of mkfsCommands({ type, uuid: UUID, label, parameters, bytes: statSync(one).size } as FileSystem, two)) run(program, ...args);
    expect(says(type, two)).toEqual(before);
    expect(before.length).toBeGreaterThan(5);
  });
});

describe('a smaller file system holds what the larger one held', () => {
  const fill = (files: (directory: string) => void): string => {
    const directory = join(dir, 'content');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    files(directory);
    return directory;
  };
  const CASES: readonly (readonly [name: string, make: string[], content: () => string])[] = [
    ['with more files than its share of the inodes', ['-N', '7000'], () => fill((at) => { for (let i = 0; i < 6500; i++) writeFileSync(join(at, String(i)), ''); })],
    ['whose inode tables take half of the room', ['-i', '2048', '-I', '1024'], () => fill((at) => { writeFileSync(join(at, 'file'), Buffer.alloc(300 << 20, 'content')); })],
  ];
  for (const [name, make, content] of CASES) it(name, async () => {
    const [one, two] = [join(dir, 'one.img'), join(dir, 'two.img')];
    for (const image of [one, two]) rmSync(image, { force: true });
    run('truncate', '-s', '2G', one);
    const tree = content();
    run('mke2fs', '-q', '-F', '-t', 'ext4', '-U', UUID, ...make, '-d', tree, one);
    const said = run('dumpe2fs', '-h', one);
    const get = (key: string): number => Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(said)?.[1]);
    const [blocks, free, block, overhead] = [get('Block count'), get('Free blocks'), get('Block size'), get('Overhead clusters')];
    const fs = { device: '/dev/sda', disk: '/dev/sda', partition: 0, type: 'ext4', uuid: UUID, label: '', mount: '/', options: '', bytes: (blocks - overhead) * block, usedBytes: (blocks - overhead - free) * block, usedInodes: get('Inode count') - get('Free inodes'), parameters: await readParameters('ext4', one, one, '') } as FileSystem;
    const disk = { device: '/dev/sda', model: '', serial: '', wwn: '', transport: '', bytes: 2 ** 31, sectorBytes: 512, used: true, links: [] } as Disk;
    const survey = { disks: [disk], fileSystems: [fs], layers: [], swaps: [], swapFiles: [], images: [] } as unknown as Survey;
    const bytes = Math.ceil(leastDiskBytes(survey, disk) / 2 ** 20) * 2 ** 20;
    expect(bytes).toBeLessThan(2 ** 31);
    const fitted = fitSurvey(survey, [{ source: disk, rule: 'named by you', target: { device: '/dev/vda', bytes, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } }], false).survey.fileSystems[0] as FileSystem;
    run('truncate', '-s', String(bytes), two);
    for (const [program, ...args] of mkfsCommands(fitted, two)) run(program, ...(program === 'mke2fs' ? ['-d', tree] : []), ...args);
    run('e2fsck', '-fn', two);
    expect(run('debugfs', '-R', 'ls -p /', two).split('\n').length).toBeGreaterThan(name.includes('files') ? 6500 : 3);
  });
});
