import type { Partition, PartitionTable } from '@cdrec/survey';
import { isExtended } from './commands.js';

export const MIB = 1 << 20;

export const up = (n: number, unit: number): number => Math.ceil(n / unit) * unit;
export const down = (n: number, unit: number): number => Math.floor(n / unit) * unit;

/** Bytes of a disk. */
export interface Range { readonly first: number; readonly end: number }

/** First sector of a disk with GPT that partitions may use: behind the protective MBR, the header and the entries (UEFI 2.10, 5.3.1). */
export const firstGptSector = (sectorBytes: number, entries = 128): number => 2 + Math.ceil((entries * 128) / sectorBytes);

/** Sectors of the backup GPT at the end of a disk. */
export const backupSectors = (table: Pick<PartitionTable, 'type' | 'tableLength'>, sectorBytes: number): number => (table.type === 'gpt' ? 1 + Math.ceil(((table.tableLength ?? 128) * 128) / sectorBytes) : 0);

/** Bytes of a disk that partitions may lie in. An MBR counts sectors in 32 bits. */
export function usable(table: PartitionTable, sectorBytes: number, diskBytes: number): Range {
  const first = Math.min(MIB, ...table.partitions.map((p) => p.start * sectorBytes));
  return { first, end: (Math.min(Math.floor(diskBytes / sectorBytes), table.type === 'dos' ? 0xffffffff : Infinity) - backupSectors(table, sectorBytes)) * sectorBytes };
}

/** Partitions that hold something, by their place on the disk. */
export const inOrder = (table: PartitionTable): Partition[] => table.partitions.filter((p) => !isExtended(p)).sort((a, b) => a.start - b.start);

/** Whether a partition is a logical one. */
export const isLogical = (table: PartitionTable, p: Partition): boolean => table.type === 'dos' && p.number > 4;

/** Bytes that lie before, between and behind partitions when all begin at full MiB, with an EBR before each logical one. */
export const gaps = (table: PartitionTable): number => inOrder(table).reduce((n, p) => n + MIB + (isLogical(table, p) ? MIB : 0), 0);

/** The table with new sizes (bytes, in the order of `inOrder`), every partition at a full MiB but the first, which begins at `first` (bytes). */
export function relaid(table: PartitionTable, sectorBytes: number, sizes: readonly number[], first: number): PartitionTable {
  const mib = MIB / sectorBytes;
  let cursor = first / sectorBytes;
  const placed = new Map<number, Partition>();
  inOrder(table).forEach((p, i) => {
    const start = isLogical(table, p) ? up(cursor, mib) + mib : i === 0 ? cursor : up(cursor, mib);
    const sectors = Math.floor((sizes[i] as number) / sectorBytes);
    placed.set(p.number, { ...p, start, sectors });
    cursor = start + sectors;
  });
  const logical = [...placed.values()].filter((p) => isLogical(table, p));
  const partitions = table.partitions.map((p) => {
    if (!isExtended(p)) return placed.get(p.number) as Partition;
    if (logical.length === 0) return p;
    const start = Math.min(...logical.map((l) => l.start)) - mib;
    return { ...p, start, sectors: Math.max(...logical.map((l) => l.start + l.sectors)) - start };
  });
  return { ...table, partitions };
}
