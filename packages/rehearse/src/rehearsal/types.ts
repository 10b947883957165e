import type { Accelerator } from '../accelerator.js';
import type { SystemReport } from './probe.js';

/** Version of rehearsal.json. */
export const REHEARSAL_VERSION = 1;

/** A part of a rehearsal with its verdict; `reason` is empty when it passed. */
export interface Stage {
  readonly id: 'verify' | 'rescue' | 'restore' | 'compare' | 'boot' | 'system';
  readonly title: string;
  readonly seconds: number;
  readonly verdict: 'PASS' | 'FAIL' | 'SKIP';
  readonly reason: string;
}

/** A blank disk of a rehearsal. */
export interface RehearsalDisk {
  /** The disk of the survey that it takes the place of. */
  readonly source: string;
  readonly bytes: number;
}

/** A picture of the guest's screen: PNG. */
export interface Screenshot { readonly title: string; readonly png: Buffer }

/** Everything that a rehearsal found out; what `rehearsal.json` holds but the pictures and the logs. */
export interface RehearsalResult {
  readonly verdict: 'PASS' | 'FAIL';
  readonly accelerator: Accelerator;
  readonly firmware: 'bios' | 'uefi' | 'secure-boot';
  readonly bus: string;
  readonly disks: readonly RehearsalDisk[];
  readonly stages: readonly Stage[];
  readonly injected: readonly string[];
  readonly checkedFiles: number;
  readonly differences: readonly string[];
  readonly remarks: readonly string[];
  readonly system: SystemReport | undefined;
  readonly screenshots: readonly Screenshot[];
  /** What the guests said on their serial lines. */
  readonly logs: readonly { readonly title: string; readonly text: string }[];
}
