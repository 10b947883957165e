import { CdrecError } from '@cdrec/tool/errors';

/** Exit statuses of all commands: complete, failed, wrong usage or configuration, complete with exceptions that are listed. */
export const EXIT = { ok: 0, failed: 1, usage: 2, exceptions: 3 } as const;

/** An error of usage: exit status 2. */
export const usageError = (message: string, hint?: string): CdrecError => new CdrecError('USAGE', message, hint === undefined ? {} : { hint });
