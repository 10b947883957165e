import { existsSync, readFileSync } from 'node:fs';
import { fstabField } from './fstab.js';

/** A line of crypttab(5): `key` is a file, or `none` where a passphrase is asked for. */
export interface CryptLine { readonly name: string; readonly source: string; readonly key: string; readonly options: readonly string[] }

/** The lines of a crypttab(5). */
export function parseCrypttab(text: string): CryptLine[] {
  return text.split('\n').map((l) => l.trim()).filter((l) => l !== '' && !l.startsWith('#')).map((l) => {
    const [name = '', source = '', key = 'none', options = ''] = l.split(/\s+/);
    return { name, source: fstabField(source), key: fstabField(key), options: options.split(',').filter((o) => o !== '') };
  });
}

/** Names of the mappings that get a new random key at every start: what is on them then is gone, and nobody's. */
export function randomlyKeyed(file = '/etc/crypttab'): ReadonlySet<string> {
  const lines = existsSync(file) ? parseCrypttab(readFileSync(file, 'utf8')) : [];
  return new Set(lines.filter((l) => /^\/dev\/(u?random|hwrng|hw_random)$/.test(l.key)).map((l) => l.name));
}
