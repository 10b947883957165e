import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveOf, matcher, memberOf, pathOf } from './index.ts';

describe('files of archives', () => {
  it('belong to the archive with the longest mount point above them', () => {
    const archives = ['/', '/home', '/home/a'].map((mount) => ({ kind: 'tar', mount }));
    const of = (path: string): string | undefined => archiveOf(archives, path)?.mount;
    expect(['/etc/x', '/home', '/home/x', '/homes', '/home/a/b', '/home/ab'].map(of)).toEqual(['/', '/home', '/home', '/', '/home/a', '/home']);
    expect(archiveOf([{ kind: 'image', mount: '' }], '/x')).toBeUndefined();
  });
  it('have a name in it that leads back to them', () => {
    const part = fc.stringMatching(/^[a-z.]{1,5}$/).filter((s) => s !== '.' && s !== '..');
    fc.assert(fc.property(fc.array(part, { maxLength: 3 }), fc.array(part, { minLength: 1, maxLength: 3 }), (mount, rest) => {
      const at = `/${mount.join('/')}`;
      const path = `${at === '/' ? '' : at}/${rest.join('/')}`;
      expect(pathOf(at, memberOf(at, path))).toBe(path);
    }));
    expect([memberOf('/home', '/home'), memberOf('/', '/etc/'), pathOf('/home', './'), pathOf('/', './etc/')]).toEqual(['.', './etc', '/home', '/etc']);
  });
  it('are found by names and paths', () => {
    const hits = (pattern: string): string[] => ['/etc/fstab', '/etc/ssh/sshd_config', '/home/a(1)/x.conf'].filter(matcher(pattern));
    expect(hits('fstab')).toEqual(['/etc/fstab']);
    expect(hits('/etc/*')).toEqual(['/etc/fstab']);
    expect(hits('/etc/**')).toHaveLength(2);
    expect(hits('*.conf')).toEqual(['/home/a(1)/x.conf']);
    expect(hits('/home/a(1)/?.conf')).toHaveLength(1);
    expect(hits('stab')).toEqual([]);
  });
});
