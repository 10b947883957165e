import { CdrecError } from '@cdrec/tool';

/** Outcome of one check; `id` is stable. */
export interface Check {
  readonly id: string;
  readonly status: 'PASS' | 'WARN' | 'FAIL';
  readonly message: string;
  readonly remedy?: string;
}

/** Takes the outcome of a check. */
export type Add = (id: string, status: Check['status'], message: string, remedy?: string) => void;

/** What an error says, and what to do about it. */
export const wrong = (error: unknown): { message: string; remedy: string } => ({
  message: error instanceof Error ? error.message : String(error), remedy: (error instanceof CdrecError ? error.hint : undefined) ?? 'see the message',
});
