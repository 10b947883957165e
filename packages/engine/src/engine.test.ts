import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareNodes, nanoseconds, permissionsOf } from './compare.ts';
import { CommandEngine, hasPassword, hostRows, needsOf, parseEnvironment, ResticEngine, shownLocation, sshHost, type HostFact, type RepositorySet, type TreeSubject } from './index.ts';

let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-engine-')); });
afterAll(() => { rmSync(dir, { recursive: true }); });

describe('locations and keys', () => {
  it('a password in a location is seen and never shown', () => {
    for (const [location, shown] of [['rest:https://me:secret@host:8000/x', 'rest:https://me:***@host:8000/x'], ['sftp:me@host:/repo', 'sftp:me@host:/repo'], ['/mnt/repo', '/mnt/repo'], ['s3:https://host/bucket', 's3:https://host/bucket']] as const) {
      expect([shownLocation(location), hasPassword(location)]).toEqual([shown, shown !== location]);
    }
  });
  it('each kind of store brings what it needs', () => {
    expect([needsOf('sftp:x@y:/z').programs, needsOf('rclone:r:b').programs, needsOf('rest:http://h/').tls, needsOf('rest:https://h/').tls, needsOf('s3:s3.amazonaws.com/b').tls, needsOf('s3:http://h/b').tls, needsOf('/r').tls]).toEqual([['ssh'], ['rclone'], false, true, true, false, false]);
  });
  it('the name that ssh knows a server by', () => {
    expect(['sftp:me@host:/repo', 'sftp:host:repo', 'sftp://me@host//repo', 'sftp://host:2222//repo', 'sftp://me@[fe80::1]:2222/repo', 'sftp:[fe80::1]:/repo', 'rest:http://h/'].map(sshHost)).toEqual(['host', 'host', 'host', '[host]:2222', '[fe80::1]:2222', 'fe80::1', undefined]);
  });
  it('NAME=VALUE lines; anything else is told with its line', () => {
    expect(parseEnvironment('# keys\n\nexport A_1=x=y\nB="q r"\n', 'f')).toEqual({ A_1: 'x=y', B: 'q r' });
    expect(() => parseEnvironment('A=1\nrm -rf /\n', 'keys.env')).toThrow(/keys\.env:2: not NAME=VALUE/);
  });
});

describe('comparison with what restic lists', () => {
  it('Go\'s file modes and times', () => {
    expect([420, 2147484137, 2 ** 23 + 493, 2147483648 + 2 ** 20 + 511].map((m) => permissionsOf(m).toString(8))).toEqual(['644', '751', '4755', '1777']);
    expect([nanoseconds('2026-11-28T06:09:36.401802475Z') % 1_000_000_000n, nanoseconds('1969-12-31T23:59:59.5Z'), nanoseconds('2026-11-28T07:00:00+01:00')]).toEqual([401802475n, -500_000_000n, nanoseconds('2026-11-28T06:00:00Z')]);
  });
  it('names what differs, and takes names that JSON cannot carry for what they are', () => {
    const root = join(dir, 'tree');
    mkdirSync(root);
    writeFileSync(join(root, 'a'), 'abc');
    chmodSync(join(root, 'a'), 0o600);
    utimesSync(join(root, 'a'), 1_700_000_000, 1_700_000_000);
    symlinkSync('a', join(root, 'l'));
    const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const node = (path: string, more: object): Parameters<typeof compareNodes>[0][number] => ({ path, type: 'file', ...me, mode: 384, size: 3, mtime: '2023-11-14T22:13:20Z', ...more });
    expect(compareNodes([node('./a', {}), node('./l', { type: 'symlink', linktarget: 'a', mtime: '' }), node('./s', { type: 'socket' }), node('./\ufffd', {})], root, true).differences.filter((d) => !d.startsWith('./l: Mod'))).toEqual([]);
    expect(compareNodes([node('./a', { size: 4, mode: 420, mtime: '2023-11-14T22:13:20.1Z' }), node('./l', { type: 'dir' }), node('./gone', {})], root, true).differences).toEqual(['./a: Size differs', './a: Mode differs', './a: Mod time differs', './l: File type differs', './gone: Cannot stat: No such file or directory']);
    expect(compareNodes([node('./a', { mode: 420, uid: 77 })], root, false).differences).toEqual([]);
  });
});

describe('a fleet', () => {
  const day = 86_400_000;
  const now = Date.parse('2026-11-28T00:00:00Z');
  const set = (host: string, days: number, setId = `${host}-${String(days)}`): RepositorySet => ({ setId, host, label: setId, created: new Date(now - days * day).toISOString(), contentBytes: 5, addedBytes: 1, macs: [], document: '' });
  const fact = (s: RepositorySet, kind: HostFact['kind'], value: string, days = 0): HostFact => ({ host: s.host, setId: s.setId, kind, value, created: new Date(now - days * day).toISOString() });
  it('one row a host: its newest set, the last verdict on any of its sets, and the drift of the newest', () => {
    const [a1, a9, b] = [set('a', 1), set('a', 9), set('b', 40)];
    const rows = hostRows({ sets: [a9, a1, b], facts: [fact(a9, 'rehearsal', 'FAIL', 3), fact(a1, 'rehearsal', 'PASS'), fact(a1, 'status', '0'), fact(b, 'status', '7', 1), fact(b, 'status', '0', 3)] }, now, 30 * day);
    expect(rows.map((r) => [r.host, r.ageDays, r.sets, r.rehearsal, r.drift, r.attention])).toEqual([['a', 1, 2, 'PASS', 0, []], ['b', 40, 1, 'never', 7, ['too old', 'changed since (7 differences)', 'never rehearsed']]]);
    const daily = hostRows({ sets: [a1, a9], facts: [fact(a9, 'rehearsal', 'PASS', 8), fact(a9, 'status', '3')] }, now);
    expect(daily.map((r) => [r.rehearsal, r.rehearsedDays, r.drift, r.attention])).toEqual([['PASS', 8, undefined, []]]);
    const [stale] = hostRows({ sets: [a1, a9], facts: [fact(a9, 'rehearsal', 'PASS', 100.5)] }, now);
    expect(stale?.attention).toEqual(['not rehearsed for 100 days']);
  });
});

describe('commands as an engine', () => {
  const facts = { setId: '00000000-0000-4000-8000-000000000000', host: 'h' };
  const tree = (over: Partial<TreeSubject> = {}): TreeSubject => ({ ...facts, label: 'L', name: 'sda1._.tar', mount: '/', view: join(dir, 'view'), exclude: ['./tmp/*'], include: [], ...over });
  const store = (): string => join(dir, 'store');
  const engine = (): CommandEngine => new CommandEngine({
    backup: `mkdir -p ${store()}; case $CDREC_ACTION in
save-tree) tar -C "$CDREC_ROOT" --exclude-from="$CDREC_EXCLUDE" -cf "${store()}/$CDREC_ARCHIVE" . || exit 1; echo "made it"; echo "job-17:$CDREC_ARCHIVE";;
save-stream) cat > "${store()}/$CDREC_ARCHIVE"; echo "job-18:$CDREC_ARCHIVE";;
esac`,
    restore: `f="${store()}/\${CDREC_REFERENCE#*:}"; case $CDREC_ACTION in check) test -s "$f" || { echo "$f is not there" >&2; exit 1; };; restore-tree) tar -C "$CDREC_ROOT" -xf "$f" $CDREC_MEMBERS;; restore-stream) cat "$f";; list) tar -tf "$f";; esac`,
  }, facts);
  it('saves, checks, lists, brings back; the last line it prints is the reference', async () => {
    mkdirSync(join(dir, 'view/tmp'), { recursive: true });
    writeFileSync(join(dir, 'view/file'), 'content');
    writeFileSync(join(dir, 'view/tmp/junk'), 'junk');
    const saved = await engine().saveTree(tree());
    expect(saved.reference).toEqual({ engine: 'command', id: 'job-17:sda1._.tar', path: 'sda1._.tar' });
    expect(await engine().verify([saved.reference])).toEqual([]);
    const paths: string[] = [];
    await engine().listTree(saved.reference, (p) => { paths.push(p); });
    expect(paths.sort()).toEqual(['./', './file', './tmp/']);
    mkdirSync(join(dir, 'target'));
    await engine().restoreTree(saved.reference, join(dir, 'target'), []);
    expect(readFileSync(join(dir, 'target/file'), 'utf8')).toBe('content');
  });
  it('a stream that does not end well is not saved; one that does comes back', async () => {
    async function* source(): AsyncGenerator<Uint8Array> { yield Buffer.from('abc'); await Promise.resolve(); yield Buffer.from('def'); }
    await expect(engine().saveStream({ ...tree(), name: 'bad' }, source(), () => Promise.reject(new Error('the image is not complete')))).rejects.toThrow('the image is not complete');
    const saved = await engine().saveStream({ ...tree(), name: 'good' }, source(), () => Promise.resolve());
    expect([saved.reference.id, saved.contentBytes]).toEqual(['job-18:good', 6]);
    let text = '';
    for await (const c of engine().readStream(saved.reference)) text += Buffer.from(c).toString();
    expect(text).toBe('abcdef');
  });
  it('statuses: 3 is complete but for what stderr names, others fail with what was said; a lost reference is found by the check', async () => {
    const some = await new CommandEngine({ backup: 'echo r; echo "./x: cannot open" >&2; exit 3', restore: '' }, facts).saveTree(tree());
    expect(some.exceptions).toEqual(['./x: cannot open']);
    await expect(new CommandEngine({ backup: 'echo "server down" >&2; exit 9', restore: '' }, facts).saveTree(tree())).rejects.toThrow(/backup\.command \(save-tree\) ended with status 9: server down/);
    expect(await engine().verify([{ engine: 'command', id: 'job-1:none', path: 'none' }])).toEqual([expect.stringMatching(/none: restore\.command \(check\) ended with status 1: .* is not there/)]);
  });
});

describe('restic', () => {
  const old = (): string => {
    const bin = join(dir, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'restic'), '#!/bin/sh\necho "restic 0.14.0 compiled with go1.19 on linux/amd64"\n', { mode: 0o755 });
    return bin;
  };
  it('a version whose statuses lie is refused', async () => {
    await expect(new ResticEngine({ access: { location: join(dir, 'r'), password: 'x', environment: {} }, path: old(), patience: 1000 }).connect()).rejects.toMatchObject({ code: 'TOOL_OLD' });
  });
});
