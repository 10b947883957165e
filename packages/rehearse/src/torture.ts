import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync, writeSync, openSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runTool } from '@cdrec/tool';

/**
 * Plants files whose content or metadata naive tools lose: what a restore is judged by. `large` adds what costs time to
 * compare (a sparse file of 8 GiB) and a socket, which no archive can keep.
 */
export async function plantTorture(parent: string, large = false): Promise<void> {
  const dir = join(parent, 'torture');
  mkdirSync(join(dir, 'empty-dir'), { recursive: true });
  const file = (name: string, data = name): string => {
    writeFileSync(join(dir, name), data);
    return join(dir, name);
  };
  file('plain');
  linkSync(file('hard-1'), join(dir, 'hard-2'));
  symlinkSync('hard-1', join(dir, 'link'));
  symlinkSync('/nowhere/at all', join(dir, 'dangling'));
  symlinkSync(Array.from({ length: 200 }, () => 'deep').join('/'), join(dir, 'long-link'));
  file('empty', '');
  file(`long-${'n'.repeat(240)}`);
  file(' blank and\ttab');
  file('new\nline');
  file('-dash');
  file('umlaut-äöü-日本語');
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/not-utf8-`), Buffer.from([0xff, 0xe4])]), 'bytes');
  for (const [name, mode] of [['mode-0000', 0], ['setuid', 0o4755], ['setgid', 0o2755], ['sticky', 0o1777]] as const) chmodSync(file(name), mode);
  chownSync(file('big-owner'), 4_000_000_000, 3_000_000_000);
  chownSync(file('owner-3000000'), 3_000_000, 3_000_000);
  for (const d of ['one', 'two']) mkdirSync(join(dir, d));
  linkSync(file('one/hard'), join(dir, 'two/hard'));
  mkdirSync(join(dir, ...Array.from({ length: 300 }, (_, i) => `level-${String(i)}`)), { recursive: true });
  file(`${Array.from({ length: 300 }, (_, i) => `level-${String(i)}`).join('/')}/bottom`, 'deep');
  const sparse = file('sparse', '');
  truncateSync(sparse, 200 * 2 ** 20);
  const fd = openSync(sparse, 'r+');
  writeSync(fd, 'island', 100 * 2 ** 20);
  closeSync(fd);
  await runTool('mkfifo', [join(dir, 'fifo')]);
  await runTool('mknod', [join(dir, 'char'), 'c', '1', '3']);
  await runTool('mknod', [join(dir, 'block'), 'b', '259', '70000']);
  await runTool('setfattr', ['-n', 'user.text', '-v', 'value', file('xattr')]);
  await runTool('setfattr', ['-n', 'user.binary', '-v', '0x0001fffe0a00', join(dir, 'xattr')]);
  await runTool('setfattr', ['-n', 'security.cdrec', '-v', '0x00ff', join(dir, 'xattr')]);
  await runTool('setfattr', ['-n', 'trusted.cdrec', '-v', 'root only', join(dir, 'xattr')]);
  await runTool('setfacl', ['-m', 'u:1234:rw,g:2345:r', file('acl')]);
  mkdirSync(join(dir, 'acl-dir'));
  await runTool('setfacl', ['-d', '-m', 'u:1234:rwx', join(dir, 'acl-dir')]);
  await runTool('setcap', ['cap_net_raw+ep', file('capability')]);
  for (const [name, date] of [['old', '1975-05-05 05:05:05.123456789 UTC'], ['future', '2040-01-01 00:00:00.987654321 UTC'], ['very-old', '1960-06-07 08:09:10.5 UTC'], ['far-future', '2100-12-31 23:59:59.999999999 UTC']] as const) execFileSync('touch', ['-d', date, file(name)]);
  if (large) {
    const huge = file('sparse-8G', '');
    truncateSync(huge, 8 * 2 ** 30);
    const at = openSync(huge, 'r+');
    for (const offset of [0, 5 * 2 ** 30 + 123, 8 * 2 ** 30 - 7]) writeSync(at, 'island', offset);
    closeSync(at);
    await new Promise<void>((resolve) => {
      const server = createServer();
      // The name stays as a dead socket when the server is gone: only a process that ends without closing leaves it.
      server.listen(join(dir, 'short'), () => {
        linkSync(join(dir, 'short'), join(dir, 'socket'));
        server.close(() => { resolve(); });
      });
    });
  }
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.777888999 UTC', join(dir, 'empty-dir'), dir]);
}
