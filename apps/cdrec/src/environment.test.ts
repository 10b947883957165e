import { describe, expect, it } from 'vitest';
import { withSystemPrograms } from './environment.ts';

describe('the search path', () => {
  it('has the programs of the administrator where it has those of everybody', () => {
    expect(withSystemPrograms('/usr/bin:/bin')).toBe('/usr/bin:/bin:/usr/sbin:/sbin');
    expect(withSystemPrograms('/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games')).toBe('/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games:/usr/local/sbin:/usr/sbin:/sbin');
    for (const whole of ['/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', '/tmp/tools', '']) expect(withSystemPrograms(whole)).toBe(whole);
  });
});
