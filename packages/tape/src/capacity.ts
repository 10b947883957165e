import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';
import { commandAt, type TapeAddress } from './address.js';

/** What a drive says of its tape, in bytes before compression by the drive. */
export interface TapeCapacity {
  readonly remaining: number;
  readonly maximum: number;
  /** Where it stands. */
  readonly source: 'medium auxiliary memory' | 'log page 31h';
}

const MIB = 2 ** 20;

/** Reads the text of `sg_read_attr`: attributes 0000h and 0001h, capacities in MiB (SPC-4 7.4). */
export function parseAttributes(text: string): TapeCapacity | undefined {
  const get = (name: string): number => Number(new RegExp(`${name} capacity in partition[^:]*:\\s*(\\d+)`, 'i').exec(text)?.[1] ?? NaN);
  const [remaining, maximum] = [get('Remaining'), get('Maximum')];
  return remaining >= 0 && maximum > 0 ? { remaining: remaining * MIB, maximum: maximum * MIB, source: 'medium auxiliary memory' } : undefined;
}

/** Reads the text of `sg_logs --page=0x31` (Tape capacity log page, LTO): main partition, in MiB. */
export function parseTapeCapacityPage(text: string): TapeCapacity | undefined {
  const get = (name: string): number => Number(new RegExp(`Main partition ${name} capacity[^:]*:\\s*(\\d+)`, 'i').exec(text)?.[1] ?? NaN);
  const [remaining, maximum] = [get('remaining'), get('maximum')];
  return remaining >= 0 && maximum > 0 ? { remaining: remaining * MIB, maximum: maximum * MIB, source: 'log page 31h' } : undefined;
}

/** The generic SCSI node of a local tape drive, or `undefined`. */
function genericNode(device: string): string | undefined {
  try {
    const name = readdirSync(`/sys/class/scsi_tape/${basename(device)}/device/scsi_generic`)[0];
    return name === undefined ? undefined : `/dev/${name}`;
  } catch {
    return undefined;
  }
}

/**
 * Capacity of the tape in a local drive, from the drive itself; `undefined` where it does not tell (many do not, and
 * none of another host is asked) or where sg3-utils are not installed. With the drive's compression it is a lower bound.
 */
export async function readCapacity(address: TapeAddress): Promise<TapeCapacity | undefined> {
  if (address.host !== undefined) return undefined;
  const node = genericNode(address.device);
  if (node === undefined) return undefined;
  for (const [program, args, parse] of [['sg_read_attr', [], parseAttributes], ['sg_logs', ['--page=0x31'], parseTapeCapacityPage]] as const) {
    try {
      const command = commandAt(address, [program, ...args, node]);
      const found = parse((await runTool(command.program, command.args)).stdout);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof CdrecError)) throw error; // not installed, or the drive does not know the command
    }
  }
  return undefined;
}
