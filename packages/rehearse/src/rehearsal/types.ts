import type { Accelerator } from '../accelerator.js';
import type { SystemReport } from './probe.js';

/** Version of rehearsal.json. */
export const REHEARSAL_VERSION = 1;

/** The parts of a rehearsal in their order, and what each proves. */
export const STAGES = {
  verify: 'The set is complete and undamaged', rescue: 'The recovery medium boots', restore: 'The machine is restored onto blank disks',
  compare: 'Every restored file equals the archive', boot: 'The restored disks boot without the medium', system: 'The restored system is well',
} as const;
export type StageId = keyof typeof STAGES;

/** A part of a rehearsal with its verdict; `reason` is empty when it passed. */
export interface Stage {
  readonly id: StageId;
  readonly title: string;
  readonly seconds: number;
  readonly verdict: 'PASS' | 'FAIL' | 'SKIP';
  readonly reason: string;
}

/** A blank disk of a rehearsal. */
export interface RehearsalDisk {
  /** The disk of the survey that it takes the place of, and others that go onto it as well. */
  readonly source: string;
  readonly others?: readonly string[];
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
