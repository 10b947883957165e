import { describe, expect, it } from 'vitest';
import type { FileSystem, Quota } from '@cdrec/survey';
import { neededPrograms } from './commands.ts';
import { quotaOptions, setquotaBatch, xfsDump } from './quotas.ts';

const quotas: Quota[] = [{ of: 'user', id: 1000, softBytes: 10_240_000, hardBytes: 20_480_000, softFiles: 100, hardFiles: 200 }, { of: 'project', id: 4711, softBytes: 0, hardBytes: 512, softFiles: 0, hardFiles: 0 }];

describe('quotas', () => {
  it('are given to the programs in their units; never less than there was', () => {
    expect(xfsDump('/dev/sda1', quotas)).toBe('fs = /dev/sda1\n1000\t20000\t40000\t100\t200\t0\t0\n4711\t0\t1\t0\t0\t0\t0\n');
    expect(setquotaBatch(quotas)).toBe('1000 10000 20000 100 200\n4711 0 1 0 0\n');
  });
  it('are set where there are some, with the program in the rescue system', () => {
    const fs = { type: 'xfs', options: 'rw,usrquota', parameters: {}, device: '/dev/sda1', uuid: 'u', label: '', bytes: 1 << 30 } as unknown as FileSystem;
    expect([quotaOptions(fs), quotaOptions({ ...fs, quotas }), quotaOptions({ ...fs, type: 'ext4', parameters: { features: 'quota' }, quotas })]).toEqual([undefined, 'usrquota', 'usrquota,grpquota']);
    const needs = (f: FileSystem): string[] => neededPrograms({ disks: [], layers: [], fileSystems: [f], swaps: [], swapFiles: [], images: [] });
    expect([needs(fs), needs({ ...fs, quotas })].map((p) => p.includes('xfs_quota'))).toEqual([false, true]);
  });
});
