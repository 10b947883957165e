import { CdrecError, COMPRESSORS } from '@cdrec/tool';
import * as z from 'zod';

/** A volume id has 32 characters (ECMA-119 8.4.8, d-characters by Rock Ridge's grace), four are for "_NNN". */
const LABEL = /^[A-Za-z0-9_.-]{1,28}$/;
/** Whether a text can be a set's label. */
export const isLabel = (text: string): boolean => LABEL.test(text);

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const piece = z.object({
  number: z.int().min(1), volume: z.int().min(1), file: z.string().regex(/^backup\/[^/\0]+$/),
  offset: z.int().min(0), bytes: z.int().min(0), sha256: hex64, crc32: z.int().min(0),
  tapeFile: z.int().min(0).optional().describe('on a tape: number of the file, from 0'),
});
const archive = z.object({
  name: z.string().regex(/^[^/\0]+$/), kind: z.enum(['tar', 'tree', 'image', 'flags', 'index', 'luks-header']).describe('tree: a file system as its engine keeps it; image: blocks of a device, as `method` writes them; flags: what lsattr says of files with inode flags or a project, for chattr; index: names of the members of the archive of `mount`, one a line; luks-header: of the device, for cryptsetup luksHeaderRestore'), method: z.string().optional().describe('of an image: ntfsclone, dd, or a program of partclone'), compress: z.enum(COMPRESSORS),
  encrypt: z.enum(['age']).optional().describe('absent: not encrypted'),
  mount: z.string(), device: z.string(), fsType: z.string(), fsUuid: z.string(),
  bytes: z.int().min(0).describe('bytes of the stored stream'),
  contentBytes: z.int().min(0).describe('bytes of the uncompressed tar stream; 0 for an image'),
  sha256: z.string().regex(/^([0-9a-f]{64})?$/).describe('of the stored stream; empty while it goes on'),
  exceptions: z.array(z.string()).describe('files that could not be read or changed meanwhile'),
  pieces: z.array(piece),
  snapshot: z.object({ engine: z.string(), id: z.string().min(1), path: z.string() }).optional().describe('it lies with an engine (repository, or a command of the administrator), not on the volumes: there are no pieces; id: what the engine finds it by'),
});

/** set.json as it lies on every volume: the last volume's index is that of the whole set. */
export const manifestSchema = z.object({
  format: z.literal(1),
  setId: z.uuid(), label: z.string().regex(LABEL), created: z.string(), host: z.string(), mode: z.enum(['rescue', 'iso', 'path', 'tape', 'repository']),
  repository: z.object({ engine: z.string(), location: z.string() }).optional().describe('where the archives are, in mode repository; no secrets'),
  key: z.string().optional().describe('age identity of the set, locked by a passphrase; absent: by recipients only, or not encrypted'),
  volume: z.int().min(1), last: z.boolean(),
  tape: z.object({ block: z.int().min(512).describe('bytes of a block') }).optional(),
  archives: z.array(archive).max(10_000),
});

export type Manifest = z.output<typeof manifestSchema>;
export type Archive = Manifest['archives'][number];
export type Piece = Archive['pieces'][number];
/** What is known of an archive before its first byte. */
export type ArchiveMeta = Pick<Archive, 'name' | 'kind' | 'method' | 'compress' | 'encrypt' | 'mount' | 'device' | 'fsType' | 'fsUuid'>;

/** JSON Schema of set.json, as published in docs/. */
export function setJsonSchema(): unknown {
  return z.toJSONSchema(manifestSchema, { io: 'input' });
}

/** What set.json says of a set on every volume. `created` is milliseconds since 1970. */
export function manifestHead(h: { readonly setId: string; readonly label: string; readonly created: number; readonly host: string; readonly key?: string }): Pick<Manifest, 'format' | 'setId' | 'label' | 'created' | 'host' | 'key'> {
  return { format: 1, setId: h.setId, label: h.label, created: new Date(h.created).toISOString(), host: h.host, ...(h.key === undefined ? {} : { key: h.key }) };
}

/** Text of set.json. */
export const formatManifest = (m: Manifest): string => JSON.stringify(m, null, 1) + '\n';

/** Validates a set.json. `where` names the volume in messages. @throws CdrecError SET_INVALID */
export function parseManifest(text: string, where: string): Manifest {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new CdrecError('SET_INVALID', `${where}: set.json is not JSON`, { cause: error });
  }
  const result = manifestSchema.safeParse(raw);
  if (!result.success) throw new CdrecError('SET_INVALID', `${where}: set.json: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** The set's label of a day: `CDrec-YYYY.MM.DD` (UTC). `ms` is milliseconds since 1970. */
export const labelFor = (ms: number): string => `CDrec-${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '.')}`;
/** Label of volume `n`. */
export const volumeLabel = (label: string, n: number): string => `${label}_${String(n)}`;
/** File name of volume `n`. */
export const volumeFile = (label: string, n: number): string => `${volumeLabel(label, n)}.iso`;
