/**
 * What went wrong, for programs: stable across versions. Three families: the caller's mistakes (`ISO_INVALID_INPUT`,
 * `ISO_NOT_FOUND`), bad images (`ISO_NOT_ISO`, `ISO_INVALID_IMAGE`, `ISO_LIMIT`), and what this package cannot do
 * (`ISO_UNSUPPORTED`).
 */
export type IsoErrorCode = 'ISO_INVALID_INPUT' | 'ISO_NOT_FOUND' | 'ISO_NOT_ISO' | 'ISO_INVALID_IMAGE' | 'ISO_LIMIT' | 'ISO_UNSUPPORTED';

/** The one error class of this package. `code` tells the caller's mistakes and bad images apart. */
export class IsoError extends Error {
  override name = 'IsoError';
  readonly code: IsoErrorCode;
  constructor(code: IsoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
