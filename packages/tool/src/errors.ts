/** Extra facts of a CdrecError: what the person should do, and what caused it. */
export interface CdrecErrorOptions extends ErrorOptions {
  readonly hint?: string;
}

/**
 * The error class of all stages. `code` is stable and in capitals (`DISK_TOO_SMALL`); `hint` says what to do.
 * Libraries throw it; only the CLI prints it and chooses the exit status.
 */
export class CdrecError extends Error {
  override name = 'CdrecError';
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, options: CdrecErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The `code` of any error that has one (also Node's own, like ENOSPC), else `undefined`. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
