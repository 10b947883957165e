export { SECTOR } from './bytes.js';
export { IsoError, type IsoErrorCode } from './errors.js';
export { IsoImageWriter, type IsoFileInfo, type IsoFileSink, type IsoOptions } from './writer.js';
export { IsoReader, LIMITS, openByteSource, type ByteSource, type IsoEntry } from './reader.js';
export type { IsoAttributes } from './tree.js';
