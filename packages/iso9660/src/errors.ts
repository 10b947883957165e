/** What went wrong, for programs: stable across versions. */
export type IsoErrorCode = 'ISO_INVALID_INPUT' | 'ISO_INVALID_IMAGE' | 'ISO_NOT_ISO' | 'ISO_NOT_FOUND' | 'ISO_LIMIT';

/** The one error class of this package. `code` tells the caller's mistakes, bad images and failed writes apart. */
export class IsoError extends Error {
  override name = 'IsoError';
  readonly code: IsoErrorCode;
  constructor(code: IsoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
