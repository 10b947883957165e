import { readFileSync } from 'node:fs';
import { CdrecError, errorCode } from '@cdrec/tool';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { parseSize } from './sizes.js';

const size = z.string().refine((s) => { try { parseSize(s); return true; } catch { return false; } }, 'is not a size (bytes, 700M, 4.5G, cd, dvd, dvd-dl, bd, bd-dl)');

/** Everything that can be configured; every key has a default, unknown keys are errors. */
export const configSchema = z.strictObject({
  backup: z.strictObject({
    compress: z.enum(['zstd', 'gzip', 'none']).default('zstd').describe('compressor of the archives'),
    level: z.int().min(1).max(19).default(3).describe('compression level'),
    exclude: z.array(z.string().startsWith('/')).default([]).describe('paths left out: "/x" drops x itself, "/x/*" keeps x empty'),
    exclude_mounts: z.array(z.string().startsWith('/')).default([]).describe('mount points whose file systems are neither backed up nor recreated'),
    allow_unsupported: z.array(z.string()).default([]).describe('objects named by "cdrec test" as not supported that are left out knowingly'),
  }).prefault({}),
  output: z.strictObject({
    directory: z.string().default('/var/lib/cdrec').describe('where volumes are written'),
    volume_size: size.default('dvd').describe('size of a volume'),
  }).prefault({}),
  rescue: z.strictObject({
    kernel: z.string().default('').describe('kernel version of the rescue system; empty: the running one'),
    image: z.enum(['squashfs', 'tar.zst', 'tar.gz']).default('squashfs').describe('form of rd-base on the medium'),
    max_size: size.default('1G').describe('largest rd-base, unpacked'),
    programs: z.array(z.string()).default([]).describe('further programs for the rescue system'),
    modules: z.enum(['default', 'all']).default('default').describe('kernel modules: broad default set with those in use, or all'),
    kernel_append: z.string().default('').describe('added to the kernel command line of the rescue system'),
  }).prefault({}),
});

/** A validated configuration. */
export type Config = z.output<typeof configSchema>;

/** The configuration that holds without any file. */
export const DEFAULT_CONFIG: Config = configSchema.parse({});

/** JSON Schema (draft 2020-12) of the configuration, as published. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(configSchema, { io: 'input' });
}

/**
 * Parses and validates TOML text; nothing in it is executed. `file` is used in messages.
 * @throws CdrecError CONFIG_INVALID naming place, key and what is expected.
 */
export function parseConfig(text: string, file: string): Config {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    if (error instanceof TomlError) throw new CdrecError('CONFIG_INVALID', `${file}:${String(error.line)}:${String(error.column)}: ${error.message.split('\n')[0] as string}`, { cause: error });
    throw error;
  }
  const result = configSchema.safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const at = issue.path.join('.');
    const keys = issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.map((k) => (at === '' ? k : `${at}.${k}`)).join(', ')}` : `${at}: ${issue.message}`;
    return `${file}${lineOf(text, issue.code === 'unrecognized_keys' ? issue.keys[0] : String(issue.path.at(-1)))}: ${keys}`;
  });
  throw new CdrecError('CONFIG_INVALID', problems.join('\n'), { hint: 'the keys and their meaning stand in docs/user-guide.md' });
}

function lineOf(text: string, key: string | undefined): string {
  const index = text.split('\n').findIndex((line) => key !== undefined && new RegExp(`^\\s*\\[?${key.replace(/\W/g, '\\$&')}\\b`).test(line));
  return index < 0 ? '' : `:${String(index + 1)}`;
}

/** Reads a configuration file; a missing file gives the defaults unless `required`. */
export function loadConfig(path: string, required: boolean): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && errorCode(error) === 'ENOENT') return DEFAULT_CONFIG;
    throw new CdrecError('CONFIG_INVALID', `reading configuration ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return parseConfig(text, path);
}
