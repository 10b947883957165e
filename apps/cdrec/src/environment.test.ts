import { describe, expect, it } from 'vitest';
import { isHabit, withSystemPrograms } from './environment.ts';

describe('the search path', () => {
  it('has the programs of the administrator where it has those of everybody', () => {
    expect(withSystemPrograms('/usr/bin:/bin')).toBe('/usr/bin:/bin:/usr/sbin:/sbin');
    expect(withSystemPrograms('/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games')).toBe('/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games:/usr/local/sbin:/usr/sbin:/sbin');
    for (const whole of ['/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', '/tmp/tools', '']) expect(withSystemPrograms(whole)).toBe(whole);
  });
});

describe('a variable', () => {
  it('that changes what programs do is a habit; what somebody means for cdrec is none', () => {
    for (const name of ['TAR_OPTIONS', 'ZSTD_CLEVEL', 'BASH_ENV', 'BASH_FUNC_cd%%']) expect([name, isHabit(name)]).toEqual([name, true]);
    for (const name of ['PATH', 'HOME', 'TERM', 'TMPDIR', 'SOURCE_DATE_EPOCH', 'CDREC_LOG', 'RESTIC_CACHE_DIR', 'SSH_AUTH_SOCK', 'TZ']) expect([name, isHabit(name)]).toEqual([name, false]);
  });
});
