import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCrypttab } from '@cdrec/survey';
import { addKeyFiles } from '../src/key-files.ts';

/** Key files of crypttab open volumes that were made anew; cryptsetup is the judge. */
let root: string;
const UUID = '0cdecaaa-e000-4000-8000-000000000001';
const sh = (command: string): string => execFileSync('bash', ['-ec', `cd ${root}\n${command}`], { encoding: 'utf8' });
beforeAll(() => {
  root = mkdtempSync('/var/tmp/cdrec-keys-');
  mkdirSync(join(root, 'etc/keys'), { recursive: true });
  sh(`head -c 64 /dev/urandom > etc/keys/home.key; head -c 4096 /dev/urandom > etc/keys/part.key
for n in home part asked; do truncate -s 20M $n.img; printf secret | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $n.img -; done`);
  writeFileSync(join(root, 'etc/crypttab'), `# a comment
home_crypt UUID=${UUID} /etc/keys/home.key luks,discard
part /dev/vdb /etc/keys/part.key luks,keyfile-offset=512,keyfile-size=64
asked UUID=1 none luks,tpm2-device=auto
lost UUID=2 /etc/keys/lost.key
swap /dev/vdb3 /dev/urandom swap,cipher=aes-xts-plain64
`);
});
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

describe('key files', () => {
  it('open their volumes again, once, and what cannot be done is said', async () => {
    const volumes = [{ name: 'other-name', uuid: UUID, device: join(root, 'home.img') }, { name: 'part', uuid: '3', device: join(root, 'part.img') }, { name: 'asked', uuid: '1', device: join(root, 'asked.img') }, { name: 'lost', uuid: '2', device: '/nowhere' }, { name: 'unknown', uuid: '9', device: '/nowhere' }];
    const asked: string[] = [];
    const passphrase = (v: string): Promise<string> => { asked.push(v); return Promise.resolve('secret'); };
    expect(await addKeyFiles(root, volumes, passphrase)).toEqual([
      'the key file /etc/keys/home.key opens the encrypted volume other-name again', 'the key file /etc/keys/part.key opens the encrypted volume part again',
      'the encrypted volume asked was opened by TPM2, and is by its passphrase now: enrol it again (systemd-cryptenroll)', 'the key file /etc/keys/lost.key of the encrypted volume lost is not in the restored system: it opens by its passphrase only',
    ]);
    expect(asked).toEqual(['other-name', 'part']);
    sh('cryptsetup open --test-passphrase --key-file etc/keys/home.key home.img; tail -c +513 etc/keys/part.key | head -c 64 | cryptsetup open --test-passphrase --key-file=- part.img');
    expect((await addKeyFiles(root, volumes.slice(0, 2), passphrase))).toEqual([]);
    expect(sh('cryptsetup luksDump home.img').match(/^ {2}\d: luks2/gm)).toHaveLength(2);
    expect(parseCrypttab('')).toEqual([]);
  });
});
