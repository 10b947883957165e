import { describe, expect, it } from 'vitest';
import { parseRepquota, parseXfsDump, quotaFlag, quotaKinds } from './quotas.ts';

describe('quotas', () => {
  it('repquota: who has a limit, in bytes', () => {
    const csv = 'User,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,BlockGrace,FileUsed,FileSoftLimit,FileHardLimit,FileGrace\n#0,ok,ok,20,0,0,,2,0,0,\n#1000,ok,ok,4,10000,20000,,1,100,200,\n#3000000,soft,ok,9,5,0,6days,1,0,0,\n';
    expect(parseRepquota(csv, 'user')).toEqual([{ of: 'user', id: 1000, softBytes: 10_240_000, hardBytes: 20_480_000, softFiles: 100, hardFiles: 200 }, { of: 'user', id: 3_000_000, softBytes: 5120, hardBytes: 0, softFiles: 0, hardFiles: 0 }]);
    expect(parseRepquota('', 'user')).toEqual([]);
  });
  it('xfs_quota', () => {
    expect(parseXfsDump('fs = /dev/vdc\n0\t0\t0\t0\t0\t0\t0\n4711\t10000\t12000\t0\t7\t0\t0\n', 'project')).toEqual([{ of: 'project', id: 4711, softBytes: 5_120_000, hardBytes: 6_144_000, softFiles: 0, hardFiles: 7 }]);
  });
  it('are named by each program in its own way', () => {
    expect([quotaFlag('xfs', 'project'), quotaFlag('ext4', 'project'), quotaFlag('xfs', 'user'), quotaFlag('f2fs', 'group')]).toEqual(['-p', '-P', '-u', '-g']);
  });
  it('are looked for where a file system keeps them itself', () => {
    const kinds = (type: 'xfs' | 'ext4' | 'f2fs', options: string, features = ''): string[] => quotaKinds({ type, options, parameters: { features } });
    expect([kinds('xfs', 'rw,attr2,usrquota,pqnoenforce'), kinds('xfs', 'rw,noquota'), kinds('ext4', 'rw,usrjquota=aquota.user,jqfmt=vfsv1'), kinds('ext4', 'rw', 'has_journal,quota,project'), kinds('ext4', 'rw', 'quota'), kinds('f2fs', 'rw', 'quota,project_quota')])
      .toEqual([['user', 'project'], [], [], ['user', 'group', 'project'], ['user', 'group'], ['user', 'group', 'project']]);
  });
});
