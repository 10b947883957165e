import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { authorizedKeys, networkLines, readKeymap } from './index.ts';

describe('the network of the survey', () => {
  it('becomes facts, a line each; what is no address never reaches the shell', () => {
    const text = networkLines({
      cards: [
        { mac: '52:54:00:00:00:01', addresses: ['192.0.2.5/24', 'fe80::1/64', '2001:db8::5/64'], vlans: [{ id: 7, addresses: ['203.0.113.9/28'] }] },
        { mac: '52:54:00:00:00:02', addresses: ['$(reboot)/24'], vlans: [] },
        { mac: '`x`', addresses: ['192.0.2.6/24'], vlans: [] },
      ],
      routes: [{ to: 'default', via: '192.0.2.1' }, { to: 'default', via: '; rm' }], dns: ['192.0.2.53', '127.0.0.53'], search: ['a.example', 'b;c'],
    });
    expect(text).toBe('card 52:54:00:00:00:01 192.0.2.5/24 2001:db8::5/64\nvlan 7 203.0.113.9/28\nroute default 192.0.2.1\ndns 192.0.2.53\nsearch a.example\n');
  });
});

describe('SSH keys', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cdrec-keys-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'key')]);
  const publicKey = execFileSync('cat', [join(dir, 'key.pub')], { encoding: 'utf8' }).trim();
  it('are taken as text and from files, once', () => {
    writeFileSync(join(dir, 'authorized_keys'), `# mine\n\nfrom="192.0.2.0/24",no-pty ${publicKey}\n`);
    expect(authorizedKeys([publicKey, join(dir, 'key.pub'), join(dir, 'authorized_keys')])).toBe(`${publicKey}\nfrom="192.0.2.0/24",no-pty ${publicKey}\n`);
    expect(authorizedKeys([])).toBe('');
  });
  it('are refused when they are private, missing or no keys', () => {
    expect(() => authorizedKeys([join(dir, 'key')])).toThrow(/is a private key/);
    expect(() => authorizedKeys(['/no/such/file'])).toThrow(/does not exist/);
    expect(() => authorizedKeys(['hello'])).toThrow(/neither a public key/);
    writeFileSync(join(dir, 'bad'), 'rm -rf /\n');
    expect(() => authorizedKeys([join(dir, 'bad')])).toThrow(/is no public key/);
    rmSync(dir, { recursive: true });
  });
});

describe('keymaps', () => {
  it('of the kernel need no file; unknown names are errors', async () => {
    expect(await readKeymap('us', '')).toBeUndefined();
    await expect(readKeymap('no-such-map', '/nowhere')).rejects.toMatchObject({ code: 'KEYMAP_NOT_FOUND' });
  });
});
