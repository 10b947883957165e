import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImage, planBackup } from '@cdrec/backup';
import { attachImage } from '@cdrec/rehearse';
import { feed, headerWriter, luksStep } from '@cdrec/restore';
import type { LuksLayer, Survey } from '@cdrec/survey';
import { runTool } from '@cdrec/tool';

/** Encrypted volumes before cryptsetup as the judge; opening them needs device-mapper, which the end-to-end case `stacks` has. */
let dir: string;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-luks-'); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
const opens = async (device: string, passphrase: string): Promise<boolean> =>
  (await runTool('cryptsetup', ['open', '--test-passphrase', '--key-file=-', device], { input: passphrase, ok: [0, 2] })).status === 0;
const attach = (name: string): ReturnType<typeof attachImage> => {
  execFileSync('truncate', ['-s', '40M', join(dir, name)]);
  return attachImage(join(dir, name));
};

describe.each(['1', '2'] as const)('LUKS%s', (version) => {
  const UUID = `0f0f0f0f-1111-4222-8333-44444444444${version}`;
  const layer = (on: string): LuksLayer => ({ type: 'luks', device: '/dev/mapper/x', name: 'x', on, uuid: UUID, label: version === '2' ? 'secret' : '', version, cipher: 'aes-xts-plain64', keyBits: 512, hash: 'sha256', sectorBytes: 512, pbkdf: 'pbkdf2', slots: 1, flags: [] });

  it('is made anew with UUID and cipher, and one passphrase', async () => {
    await using disk = await attach(`new${version}`);
    const [[program, ...args] = ['']] = luksStep(layer(disk.device), (d) => d).make;
    await runTool(program, args, { input: 'fresh' });
    expect([await opens(disk.device, 'fresh'), await opens(disk.device, 'other')]).toEqual([true, false]);
    const dump = execFileSync('cryptsetup', ['luksDump', disk.device], { encoding: 'utf8' });
    expect(dump).toContain(UUID);
    expect(dump).toMatch(/aes-xts-plain64|xts-plain64/);
  });

  it('comes back with all key slots, when its header is in the set', async () => {
    await using old = await attach(`old${version}`);
    await using blank = await attach(`blank${version}`);
    await runTool('cryptsetup', ['luksFormat', '--batch-mode', `--type=luks${version}`, `--uuid=${UUID}`, '--pbkdf=pbkdf2', '--pbkdf-force-iterations=1000', '--key-file=-', old.device], { input: 'first' });
    execFileSync('bash', ['-c', 'cryptsetup luksAddKey --batch-mode --pbkdf=pbkdf2 --pbkdf-force-iterations=1000 --key-file <(printf first) "$1" <(printf second)', 'bash', old.device]);
    const survey = { fileSystems: [], images: [], layers: [layer(old.device)] } as unknown as Survey;
    const plan = (luksHeaders: boolean): ReturnType<typeof planBackup> => planBackup(survey, { compress: 'zstd', threads: 0, recipients: [], rules: { exclude: [], include: [] }, luksHeaders, path: PATH });
    expect(plan(false)).toEqual([]);
    const [item] = plan(true);
    if (item?.image === undefined) throw new Error('nothing planned');
    expect(item.meta).toMatchObject({ kind: 'luks-header', device: old.device, fsUuid: UUID });
    const backup = openImage(item.image, item.filters, old.device);
    const parts: Uint8Array[] = [];
    for await (const part of backup.stream) parts.push(part);
    await backup.ended();
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is in memory
    await feed((async function* () { yield* parts; })(), { compress: 'zstd', path: PATH }, headerWriter(blank.device), 'header');
    expect([await opens(blank.device, 'first'), await opens(blank.device, 'second'), await opens(blank.device, 'third')]).toEqual([true, true, false]);
    const key = (device: string): string => execFileSync('bash', ['-c', 'cryptsetup luksDump --batch-mode --dump-master-key --key-file <(printf second) "$1" | grep -A4 "^MK dump"', 'bash', device], { encoding: 'utf8' });
    expect(key(blank.device)).toBe(key(old.device));
  });
});
