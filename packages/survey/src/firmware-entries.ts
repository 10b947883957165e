import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FirmwareEntry } from './schema.js';

const GLOBAL = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
/** Types and sub-types of device path nodes (UEFI specification 2.10, 10.3): hard drive media, file path, end. */
const MEDIA = 4;
const HARD_DRIVE = 1;
const FILE_PATH = 4;
const END = 0x7f;

/** Text in UTF-16 (little endian) up to its NUL, and the offset behind that. */
function utf16(bytes: Buffer, from: number): [text: string, end: number] {
  let end = from;
  while (end + 1 < bytes.length && bytes.readUInt16LE(end) !== 0) end += 2;
  return [bytes.toString('utf16le', from, end), end + 2];
}

/** A GUID of the GPT as sfdisk writes it: the first three fields are little endian. */
function guid(b: Buffer): string {
  const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
  const rest = b.toString('hex', 8, 16);
  return `${hex(b.readUInt32LE(0), 8)}-${hex(b.readUInt16LE(4), 4)}-${hex(b.readUInt16LE(6), 4)}-${rest.slice(0, 4)}-${rest.slice(4)}`.toUpperCase();
}

/**
 * Parses an EFI_LOAD_OPTION (UEFI specification 2.10, 3.1.3): attributes, length of the paths, description, paths, optional
 * data. Undefined when it starts no file on a GPT partition (a network card, the firmware's own shell).
 */
export function parseLoadOption(bytes: Buffer): FirmwareEntry | undefined {
  if (bytes.length < 8) return undefined;
  const pathBytes = bytes.readUInt16LE(4);
  const [label, start] = utf16(bytes, 6);
  const end = start + pathBytes;
  if (bytes.length < end) return undefined;
  let partition: string | undefined;
  let file = '';
  for (let at = start; at + 4 <= end;) {
    const [type, kind, length] = [bytes.readUInt8(at), bytes.readUInt8(at + 1), bytes.readUInt16LE(at + 2)];
    if (length < 4 || at + length > end || type === END) break;
    // Hard drive: number, start, size, signature (16 bytes), format of the table, type of the signature (2: GUID).
    if (type === MEDIA && kind === HARD_DRIVE && length >= 42 && bytes.readUInt8(at + 41) === 2) partition = guid(bytes.subarray(at + 24, at + 40));
    if (type === MEDIA && kind === FILE_PATH) file += utf16(bytes.subarray(at + 4, at + length), 0)[0];
    at += length;
  }
  if (partition === undefined || file === '') return undefined;
  // The kernel takes its arguments as text; other data (marks of the firmware's own) is of no use on another machine.
  const data = bytes.subarray(end);
  const text = data.length % 2 === 0 ? data.toString('utf16le').replace(/\0+$/, '') : '';
  return { label, partition, file, arguments: /^[\x20-\x7e]*$/.test(text) ? text : '' };
}

/** The firmware's boot entries that start files on GPT partitions, in the order of its BootOrder. Empty without UEFI. */
export function readFirmwareEntries(efivars = '/sys/firmware/efi/efivars'): FirmwareEntry[] {
  const value = (name: string): Buffer | undefined => {
    const path = join(efivars, `${name}-${GLOBAL}`);
    // efivarfs puts four bytes of attributes before the value.
    return existsSync(path) ? readFileSync(path).subarray(4) : undefined;
  };
  const order = value('BootOrder') ?? Buffer.alloc(0);
  const listed = Array.from({ length: Math.floor(order.length / 2) }, (_, i) => order.readUInt16LE(2 * i).toString(16).toUpperCase().padStart(4, '0'));
  const all = existsSync(efivars) ? readdirSync(efivars).flatMap((n) => /^Boot([0-9A-F]{4})-/.exec(n)?.[1] ?? []).sort() : [];
  return listed.filter((n) => all.includes(n)).flatMap((n) => parseLoadOption(value(`Boot${n}`) ?? Buffer.alloc(0)) ?? []);
}
