import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseCrypttab } from '@cdrec/survey';
import { runTool } from '@cdrec/tool';

/** An encrypted volume that was made anew: its mapping's name, its UUID, the device it is on, and options of cryptsetup(8) for its keys. */
export interface NewVolume { readonly name: string; readonly uuid: string; readonly device: string; readonly kdf?: readonly string[] }

/** Options of luksAddKey(8) for where in a key file the key lies. */
function partOfKeyFile(options: readonly string[]): { add: string[]; test: string[] } {
  const of = (flag: string): string | undefined => options.find((o) => o.startsWith(`${flag}=`))?.slice(flag.length + 1);
  const [offset, size] = [of('keyfile-offset'), of('keyfile-size')];
  const args = (prefix: string): string[] => [...(offset === undefined ? [] : [`--${prefix}keyfile-offset=${offset}`]), ...(size === undefined ? [] : [`--${prefix}keyfile-size=${size}`])];
  return { add: args('new-'), test: args('') };
}

/**
 * Volumes that were made anew know one passphrase only: the key files by which the restored system opens them at its start (crypttab(5))
 * get a key slot again. Returns what was done and what has to be done by hand. `passphrase` is asked only for volumes that need it.
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED
 */
export async function addKeyFiles(root: string, volumes: readonly NewVolume[], passphrase: (volume: string) => Promise<string | undefined>): Promise<string[]> {
  const file = join(root, 'etc/crypttab');
  const lines = existsSync(file) ? parseCrypttab(readFileSync(file, 'utf8')) : [];
  const said: string[] = [];
  for (const v of volumes) {
    const line = lines.find((l) => l.name === v.name || l.source === `UUID=${v.uuid}`);
    if (line === undefined) continue;
    const token = line.options.map((o) => /^(tpm2|fido2|pkcs11)-/.exec(o)?.[1]).find((t) => t !== undefined);
    if (token !== undefined) said.push(`the encrypted volume ${v.name} was opened by ${token.toUpperCase()}, and is by its passphrase now: enrol it again (systemd-cryptenroll)`);
    if (!line.key.startsWith('/') || line.key.startsWith('/dev/')) continue;
    const key = join(root, line.key);
    if (statSync(key, { throwIfNoEntry: false })?.isFile() !== true) {
      said.push(`the key file ${line.key} of the encrypted volume ${v.name} is not in the restored system: it opens by its passphrase only`);
      continue;
    }
    const { add, test } = partOfKeyFile(line.options);
    if ((await runTool('cryptsetup', ['open', '--test-passphrase', ...test, `--key-file=${key}`, v.device], { ok: [0, 1, 2] })).status === 0) continue;
    const input = await passphrase(v.name);
    if (input === undefined) continue;
    await runTool('cryptsetup', ['luksAddKey', '--batch-mode', '--key-file=-', ...(v.kdf ?? []), ...add, v.device, key], { input });
    said.push(`the key file ${line.key} opens the encrypted volume ${v.name} again`);
  }
  return said;
}
