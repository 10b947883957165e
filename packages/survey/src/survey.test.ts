import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCrypttab, randomlyKeyed } from './crypttab.ts';
import { parseLsblk, parseSfdisk } from './block.ts';
import { parseFindmnt, sleepingMounts } from './mounts.ts';
import { f2fsDevices, parseDumpe2fs, parseXfsInfo } from './parameters.ts';
import { parseSurvey, surveyJsonSchema } from './schema.ts';

describe('mounts on demand', () => {
  it('are those of systemd that nothing is mounted on yet', () => {
    const m = (target: string, source: string, type = 'autofs') => ({ target, source, type });
    expect(sleepingMounts([m('/efi', 'systemd-1'), m('/boot', 'systemd-1'), m('/boot', '/dev/sda1', 'vfat'), m('/net', '/etc/auto.net'), m('/', '/dev/sda2', 'ext4')])).toEqual(['/efi']);
  });
});

describe('crypttab', () => {
  it('says which volumes have a new random key at every start', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-crypttab-'));
    const text = '# <name> <source> <key> <options>\ncswap\t/dev/sda3 /dev/urandom swap,cipher=aes-xts-plain64\nroot UUID=u none luks\nctmp LABEL=with\\040blank /dev/random tmp=ext4\ndata /dev/sdb1 /etc/keys/urandom\n\n';
    writeFileSync(join(dir, 'crypttab'), text);
    expect([...randomlyKeyed(join(dir, 'crypttab'))]).toEqual(['cswap', 'ctmp']);
    expect(randomlyKeyed(join(dir, 'none')).size).toBe(0);
    expect(parseCrypttab(text)[2]).toEqual({ name: 'ctmp', source: 'LABEL=with blank', key: '/dev/random', options: ['tmp=ext4'] });
    rmSync(dir, { recursive: true });
  });
});

describe('what the tools print', () => {
  it('lsblk', () => {
    const [disk] = parseLsblk('{"blockdevices":[{"name":"sda","path":"/dev/sda","type":"disk","size":2147483648,"model":"QEMU HARDDISK ","serial":null,"wwn":null,"tran":"sata","rm":false,"ro":false,"log-sec":512,"maj:min":"  8:0  ","children":[{"name":"sda1","path":"/dev/sda1","type":"part","size":"1073741824","model":null,"serial":null,"wwn":null,"tran":null,"rm":"0","ro":"0","log-sec":"512","maj:min":"8:1"}]}]}');
    expect(disk).toMatchObject({ path: '/dev/sda', model: 'QEMU HARDDISK', serial: '', number: '8:0' });
    expect(disk?.children[0]).toMatchObject({ type: 'part', bytes: 1073741824, readOnly: false });
    expect(() => parseLsblk('{"x":1}')).toThrow(/lsblk/);
  });
  it('sfdisk with logical partitions', () => {
    const t = parseSfdisk('{"partitiontable":{"label":"dos","id":"0xcdec0001","device":"/dev/nvme0n1","unit":"sectors","sectorsize":512,"partitions":[{"node":"/dev/nvme0n1p1","start":2048,"size":4096,"type":"83","bootable":true},{"node":"/dev/nvme0n1p5","start":10240,"size":2048,"type":"82"}]}}');
    expect(t?.partitions.map((p) => [p.number, p.bootable])).toEqual([[1, true], [5, false]]);
  });
  it('findmnt, dumpe2fs, xfs_info', () => {
    expect(parseFindmnt('{"filesystems":[{"target":"/","source":"/dev/sda1","fstype":"ext4","options":"rw","maj:min":" 8:1","fsroot":"/"},{"target":"/x","source":null,"fstype":"nfs4","options":"","maj:min":"0:50","fsroot":"/"}]}')).toMatchObject([{ target: '/', source: '/dev/sda1', number: '8:1' }, { target: '/x', source: '' }]);
    expect(parseDumpe2fs('Filesystem features:      has_journal needs_recovery extent\nBlock count:  1000\nReserved block count:  50\nBlock size:  4096\nInode size:  256\nInode count: 10\nDefault mount options:    user_xattr acl\n')).toEqual({
      blockSize: '4096', inodeSize: '256', features: 'has_journal,extent', reservedPercent: '5', inodes: '10', mountOptions: 'user_xattr,acl',
    });
    expect(parseXfsInfo('meta-data=/dev/vda3 isize=512 agcount=4\n         =   sectsz=512 attr=2\n         =  crc=1 finobt=1, sparse=1, rmapbt=0\n         = reflink=1 bigtime=1 inobtcount=1\ndata     =                       bsize=4096   blocks=1\n')).toMatchObject({ blockSize: '4096', inodeSize: '512', rmapbt: '0', bigtime: '1' });
    expect(parseXfsInfo('meta-data=/dev/x isize=512 agcount=8, agsize=25600 blks\n         =  sectsz=4096\ndata     =   bsize=4096   blocks=204800, imaxpct=25\n         =    sunit=16     swidth=32 blks\nnaming   =version 2   bsize=4096   ascii-ci=0, ftype=1\nlog      =internal log   bsize=4096   blocks=16384, version=2\n         =    sectsz=4096  sunit=1 blks, lazy-count=1\n')).toMatchObject({ sectorSize: '4096', stripeUnit: '16', agBytes: '104857600', logBytes: '67108864', logUnitBytes: '4096' });
    // The size of a journal only where it is not what mke2fs takes by itself: 64 MiB for 1 GiB of blocks of 4096 is, 16 MiB there is.
    const journal = (size: string, blocks: number): string | undefined => parseDumpe2fs(`Block count: ${String(blocks)}\nReserved block count: 0\nBlock size: 4096\nTotal journal size:       ${size}\n`)['journalMiB'];
    expect([journal('16M', 262_143), journal('32M', 262_144), journal('64M', 262_144), journal('1024M', 40_000_000), journal('128M', 40_000_000), journal('4096k', 20_000)]).toEqual([undefined, undefined, '64', undefined, '128', undefined]);
    expect(parseDumpe2fs('Filesystem features: fast_commit has_journal\nBlock count: 262144\nReserved block count: 0\nBlock size: 4096\nTotal journal size: 65M\n')['journalMiB']).toBeUndefined();
  });
  it('an f2fs over several devices says so', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-f2fs-'));
    try {
      execFileSync('bash', ['-ec', 'cd "$0"; truncate -s 100M one two; mkfs.f2fs -q one; truncate -s 0 three; truncate -s 200M three; mkfs.f2fs -q -c "$0/two" three', dir], { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }, stdio: 'ignore' });
      expect([f2fsDevices(join(dir, 'one')), f2fsDevices(join(dir, 'three'))]).toEqual([1, 2]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
  it('survey.json is validated, its JSON Schema is there', () => {
    expect(() => parseSurvey('{"version":2}')).toThrow(/survey\.json/);
    expect(() => parseSurvey('nope')).toThrow(/not JSON/);
    expect(JSON.stringify(surveyJsonSchema())).toContain('fileSystems');
  });
});
