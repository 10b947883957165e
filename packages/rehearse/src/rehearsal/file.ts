import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { CdrecError } from '@cdrec/tool';
import * as z from 'zod';
import { REHEARSAL_VERSION } from './types.js';

const stage = z.object({ id: z.enum(['verify', 'rescue', 'restore', 'compare', 'boot', 'system']), title: z.string(), seconds: z.number().min(0), verdict: z.enum(['PASS', 'FAIL', 'SKIP']), reason: z.string().describe('empty when it passed') });

/** rehearsal.json: what was rehearsed, how, and what came of it. Sizes in bytes. */
export const rehearsalSchema = z.object({
  version: z.literal(REHEARSAL_VERSION),
  created: z.string().describe('ISO 8601'),
  verdict: z.enum(['PASS', 'FAIL']),
  set: z.object({ id: z.string(), label: z.string(), host: z.string(), created: z.string(), volumes: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string() })) }),
  machine: z.object({ accelerator: z.enum(['kvm', 'tcg']), firmware: z.enum(['bios', 'uefi', 'secure-boot']), bus: z.string(), memoryMiB: z.int(), disks: z.array(z.object({ source: z.string(), others: z.array(z.string()).optional().describe('further disks of the machine that went onto it'), sourceBytes: z.int(), bytes: z.int() })) }),
  programs: z.record(z.string(), z.string()),
  stages: z.array(stage),
  checkedFiles: z.int(), differences: z.array(z.string()), remarks: z.array(z.string()),
  injected: z.array(z.string()).describe('files put into the restored system on the throw-away disk'),
  system: z.object({ state: z.string(), target: z.string(), kernel: z.string(), failedUnits: z.array(z.string()), retriedUnits: z.array(z.string()).default([]).describe('failed at first, and not when they were started again'), mounted: z.array(z.string()), missing: z.array(z.string()), swap: z.boolean().optional() }).optional(),
});

export type RehearsalFile = z.output<typeof rehearsalSchema>;

/** JSON Schema (draft 2020-12) of rehearsal.json, as published in docs/. */
export function rehearsalJsonSchema(): unknown {
  return z.toJSONSchema(rehearsalSchema, { io: 'input' });
}

/** Validates the text of a rehearsal.json. @throws CdrecError REHEARSAL_INVALID */
export function parseRehearsal(text: string, file: string): RehearsalFile {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new CdrecError('REHEARSAL_INVALID', `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const result = rehearsalSchema.safeParse(raw);
  if (!result.success) throw new CdrecError('REHEARSAL_INVALID', `${file}: ${z.prettifyError(result.error)}`);
  return result.data;
}

function keyOf(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw new CdrecError('KEY_WRONG', `${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: 'make a pair: openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub' });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new CdrecError('KEY_WRONG', `${what} is no Ed25519 key`, { hint: 'openssl genpkey -algorithm ed25519 -out key.pem' });
  return key;
}

/** Signature (Ed25519, RFC 8032; base64) of a text by a private key in PEM. @throws CdrecError KEY_WRONG */
export function signRehearsal(text: string, pem: string): string {
  return sign(null, Buffer.from(text), keyOf(() => createPrivateKey(pem), 'the private key')).toString('base64');
}

/** Whether a signature is that of the owner of a public key in PEM. @throws CdrecError KEY_WRONG */
export function isSignedBy(text: string, signature: string, pem: string): boolean {
  return verify(null, Buffer.from(text), keyOf(() => createPublicKey(pem), 'the public key'), Buffer.from(signature, 'base64'));
}
