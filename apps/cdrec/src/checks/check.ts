import { CdrecError } from '@cdrec/tool';

/** Outcome of one check; `id` is stable. */
export interface Check {
  readonly id: string;
  readonly group: string;
  readonly status: 'PASS' | 'WARN' | 'FAIL';
  readonly message: string;
  readonly remedy?: string;
  /** Programs (or parts of boot loaders) that would mend it: `--fix` installs their packages. */
  readonly missing?: readonly string[];
}

/** Takes the outcome of a check. */
export type Add = (id: string, status: Check['status'], message: string, remedy?: string, missing?: readonly string[]) => void;

/** What an error says, and what to do about it. */
export const wrong = (error: unknown): { message: string; remedy: string } => ({
  message: error instanceof Error ? error.message : String(error), remedy: (error instanceof CdrecError ? error.hint : undefined) ?? 'see the message',
});

/** Groups in the order in which they are shown, with the first words of the ids that belong to them. */
const GROUPS: readonly (readonly [name: string, ids: readonly string[]])[] = [
  ['Machine', ['root', 'environment', 'memory', 'firmware-mode', 'clock']], ['Programs', ['programs', 'program', 'tar']], ['Kernel and drivers', ['kernel', 'driver', 'modules', 'firmware']],
  ['Boot of the medium', ['boot']], ['Disks', ['layout', 'survey', 'unsaved', 'loader', 'fstab']], ['Destination', ['space', 'repository', 'burner', 'tape', 'recovery-data', 'label']],
  ['Rescue system', ['rescue-files', 'rescue-image', 'network', 'ssh', 'keymap']], ['Configuration', ['config']], ['Rehearsal', ['rehearsal']],
];

/** The group of a check, by its id. */
export const groupOf = (id: string): string => GROUPS.find(([, ids]) => ids.includes(id.split('.')[0] as string))?.[0] ?? 'Machine';

/** Checks in the order of their groups. */
export const inGroups = (checks: readonly Check[]): (readonly [group: string, checks: readonly Check[]])[] => GROUPS.map(([name]) => [name, checks.filter((c) => c.group === name)] as const).filter(([, list]) => list.length > 0);
