/**
 * How bad a finding is: an `error` breaks a rule of a standard or loses data; a `warning` is lawful but trouble for some
 * reader; a `note` breaks the letter of a rule in a way that common writers do and no known reader minds.
 */
export type Severity = 'error' | 'warning' | 'note';

/** A rule of the checker: where it is written, how bad a breach is, what it says. */
export interface Rule { readonly clause: string; readonly severity: Severity; readonly text: string }

const e = (clause: string, text: string): Rule => ({ clause, severity: 'error', text });
const w = (clause: string, text: string): Rule => ({ clause, severity: 'warning', text });
const n = (clause: string, text: string): Rule => ({ clause, severity: 'note', text });

/** All rules by their ids. The ids are stable. */
export const RULES = {
  'vd.primary': e('ECMA-119 6.7.1', 'there is a primary volume descriptor at sector 16'),
  'vd.terminator': e('ECMA-119 6.7.1.6, 8.3', 'the descriptor set ends with a terminator'),
  'vd.version': e('ECMA-119 8.x.3', 'descriptor version is 1 (2 for enhanced volumes)'),
  'vd.both-endian': e('ECMA-119 7.2.3, 7.3.3', 'both halves of a both-endian number of a descriptor are equal'),
  'vd.block-size': e('ECMA-119 6.2.2', 'logical blocks have 2048 bytes'),
  'vd.set': e('ECMA-119 8.4.9, 8.4.10', 'the volume sequence number is within the volume set size'),
  'vd.space': e('ECMA-119 8.4.8', 'the volume space is not larger than the image'),
  'vd.space.trailing': w('ECMA-119 8.4.8', 'nothing lies behind the volume space'),
  'vd.space.differs': e('ECMA-119 8.5', 'all descriptors state the same volume space size'),
  'vd.space.smaller': n('ECMA-119 8.5', 'no other descriptor states a smaller volume space than the primary one (libisofs leaves appended partitions out)'),
  'vd.reserved': e('ECMA-119 8.4', 'unused and reserved fields are zero'),
  'vd.characters': w('ECMA-119 7.4.1', 'identifiers have the characters that belong to them'),
  'vd.volume-id': n('ECMA-119 8.4.7', 'the volume id has d-characters only'),
  'vd.date': e('ECMA-119 8.4.26.1', 'dates are digits of a real date, or "not specified"'),
  'vd.structure-version': e('ECMA-119 8.4.31', 'the file structure version is 1 (2 for enhanced volumes)'),
  'vd.root-record': e('ECMA-119 8.4.18, 9.1', 'the root record is a directory record of 34 bytes that agrees with itself'),
  'joliet.escape': e('Joliet "Escape Sequences"', 'a supplementary descriptor names a UCS-2 level: %/@, %/C or %/E'),
  'joliet.name-length': e('Joliet "File Identifier"', 'identifiers have an even number of bytes, at most 206 and the version'),
  'joliet.name-characters': e('Joliet "Allowed Character Set"', 'identifiers have no control characters and none of * / : ; ? \\'),
  'joliet.parent': n('ECMA-119 6.8.2.2', '".." of the Joliet and enhanced trees names the parent (libisofs names the directory itself)'),
  'pt.size': e('ECMA-119 8.4.13, 9.4', 'the path table has exactly the stated size'),
  'pt.location': e('ECMA-119 8.4.14-17', 'path tables lie within the volume'),
  'pt.types-differ': e('ECMA-119 6.9.2', 'type L and type M path tables say the same'),
  'pt.root': e('ECMA-119 6.9.1', 'the first record is the root, its own parent'),
  'pt.order': e('ECMA-119 6.9.1', 'records are in order of level, parent number, identifier'),
  'pt.parent': e('ECMA-119 9.4.4', 'parent numbers name the directory that holds the record'),
  'pt.directory': e('ECMA-119 6.9', 'path table and directory hierarchy have the same directories at the same places'),
  'dir.unreadable': e('ECMA-119 6.8.1', 'directories lie within the volume and the image'),
  'dir.size': e('ECMA-119 6.8.1.3', 'a directory has a whole number of sectors, at least one'),
  'dir.record': e('ECMA-119 9.1', 'records are well-formed and do not cross a sector'),
  'dir.padding': e('ECMA-119 6.8.1.1', 'what follows the last record of a sector is zero'),
  'dir.self': e('ECMA-119 6.8.2.2', 'the first record is "." and agrees with the directory'),
  'dir.parent': e('ECMA-119 6.8.2.2', 'the second record is ".." and agrees with the parent'),
  'dir.cycle': e('ECMA-119 6.8.2', 'the hierarchy is a tree: no directory is in it twice'),
  'dir.limits': e('(checker)', 'the hierarchy is within what is checked: depth, entries, bytes'),
  'dir.order': e('ECMA-119 9.3', 'records are in the order of their identifiers'),
  'dir.duplicate': e('ECMA-119 7.5, 9.3', 'no two records have the same identifier, sections of one file excepted'),
  'rec.both-endian': e('ECMA-119 7.2.3, 7.3.3', 'both halves of a both-endian number of a record are equal'),
  'rec.date': e('ECMA-119 9.1.5', 'dates are real dates'),
  'rec.flags': e('ECMA-119 9.1.6', 'reserved flag bits are zero'),
  'rec.interleave': e('ECMA-119 9.1.7, 9.1.8', 'files are not interleaved'),
  'rec.volume': e('ECMA-119 9.1.9', 'the volume sequence number is within the volume set'),
  'rec.extent': e('ECMA-119 6.4.1', 'extents lie within the volume and the image'),
  'rec.id-characters': e('ECMA-119 7.5.1, 7.6.1', 'identifiers have d-characters, one dot and a version'),
  'rec.id-relaxed': n('ECMA-119 7.5.1, 7.6.1', 'identifiers are translated: no lower case, no further dot, no dot in directories'),
  'rec.id-padding': e('ECMA-119 9.1.12', 'the padding byte of an identifier is zero'),
  'rec.length': e('ECMA-119 9.1.1', 'records have an even length'),
  'rec.sections': e('ECMA-119 6.5.1, 9.1.6', 'sections of a file follow each other, are whole blocks, and the last one says so'),
  'extent.overlap': e('ECMA-119 6.4, 6.8', 'extents are shared as a whole or not at all'),
  'susp.sp': e('SUSP 1.12 5.3', 'SP is the first entry of the root\'s own record, with its check bytes'),
  'susp.er': e('SUSP 1.12 5.5', 'ER names a known extension'),
  'susp.entry': e('SUSP 1.12 4.1', 'entries have a length within their area and version 1'),
  'susp.unknown': w('SUSP 1.12 4.1', 'entries have a known signature'),
  'susp.ce': e('SUSP 1.12 5.1', 'continuation areas lie within one block of the volume and end'),
  'susp.both-endian': e('ECMA-119 7.3.3', 'both halves of a both-endian number of an entry are equal'),
  'rr.px': e('RRIP 1.12 4.1.1', 'every record has one PX, of the length that belongs to the version'),
  'rr.px.mode': e('RRIP 1.12 4.1.1', 'the mode has a file type, and it agrees with the record'),
  'rr.px.parent': n('RRIP 1.12 4.1.1', 'the mode of ".." has a file type (genisoimage leaves it out in rr_moved)'),
  'rr.px.serial': e('RRIP 1.12 4.1.1', 'different files have different serial numbers'),
  'rr.pn': e('RRIP 1.12 4.1.2', 'device nodes have their numbers, and only they'),
  'rr.nm': e('RRIP 1.12 4.1.4', 'names are complete and have no slash or NUL'),
  'rr.nm.duplicate': e('RRIP 1.12 4.1.4', 'no two entries of a directory have the same name'),
  'rr.sl': e('RRIP 1.12 4.1.3', 'link targets are complete; symbolic links have one, and only they'),
  'rr.tf': e('RRIP 1.12 4.1.6', 'TF has the length its flags ask for, and real dates'),
  'rr.relocation': e('RRIP 1.12 4.1.5', 'CL, PL and RE agree with each other'),
  'eltorito.boot-record': e('El Torito 1.0 2.0', 'the boot record is at sector 17 and names a catalog within the volume'),
  'eltorito.validation': e('El Torito 1.0 2.1', 'the validation entry is valid: id, platform, key bytes, checksum'),
  'eltorito.entry': e('El Torito 1.0 2.2, 2.4', 'entries have a known indicator and medium, and unused bytes are zero'),
  'eltorito.image': e('El Torito 1.0 2.2', 'boot images lie within the volume and fit their emulation'),
  'eltorito.section': e('El Torito 1.0 2.3', 'sections are headed, counted, and the last one says so'),
  'eltorito.boot-info': e('mkisofs(8) -boot-info-table', 'the boot information table tells the file\'s own place, length and checksum'),
  'mbr.signature': e('UEFI 2.11 5.2.1', 'an MBR ends with 55 AA'),
  'mbr.partition': e('UEFI 2.11 5.2.1', 'MBR partitions lie within the image, do not overlap, and have valid status bytes'),
  'mbr.protective': e('UEFI 2.11 5.2.3', 'beside a GPT there is a protective partition over the whole image'),
  'mbr.boot-pointer': w('isohybrid, GRUB boot_hybrid.img', 'the MBR\'s boot code points to the BIOS boot image'),
  'gpt.header': e('UEFI 2.11 5.3.2', 'the GPT header has its signature, revision, size, place and CRC'),
  'gpt.array': e('UEFI 2.11 5.3.2', 'the partition entry array lies within the image and has its CRC'),
  'gpt.bounds': e('UEFI 2.11 5.3.2', 'the usable blocks lie between the tables'),
  'gpt.entry': e('UEFI 2.11 5.3.3', 'partitions lie within the usable blocks and have their own GUIDs'),
  'gpt.overlap': e('UEFI 2.11 5.3.1', 'partitions do not overlap'),
  'gpt.backup': e('UEFI 2.11 5.3.2', 'the backup header is at the image\'s end and says the same'),
  'udf.anchor': e('ECMA-167 3/8.4.2.1', 'there are anchors at sector 256 and at, or 256 before, the last one'),
  'udf.tag': e('ECMA-167 3/7.2, 4/7.2', 'descriptors have the tag that is expected, with checksum, CRC and place'),
  'udf.sequence': e('ECMA-167 3/8.4.2', 'both volume descriptor sequences are complete and say the same'),
  'udf.partition': e('ECMA-167 3/10.5, 3/10.6', 'partition and file set lie within the volume'),
  'udf.file-entry': e('ECMA-167 4/14.9', 'file entries agree with their extents'),
  'udf.extent': e('ECMA-167 4/14.14', 'extents lie within the partition'),
  'udf.directory': e('ECMA-167 4/14.4, UDF 1.02 2.3.4', 'directories have their parent first, and names that are well-formed and different'),
  'content.sfv': e('SFV', 'files have the CRC-32 that Checksums.sfv states'),
  'content.isomd5': e('isomd5sum', 'the image has the MD5 that was implanted'),
  'content.libisofs': e('libisofs doc/checksums.txt', 'the image has the MD5 of its checksum tags'),
  'check.truncated': w('(checker)', 'all findings are listed'),
} as const satisfies Record<string, Rule>;

/** Id of a rule. */
export type RuleId = keyof typeof RULES;

/** A breach of a rule. `offset` in bytes from the start of the image. */
export interface Finding {
  readonly rule: RuleId;
  readonly clause: string;
  readonly severity: Severity;
  readonly offset: number;
  readonly text: string;
}
