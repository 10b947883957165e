export { formatTape, parseTape, type TapeAddress } from './address.js';
export { parseAttributes, parseTapeCapacityPage, readCapacity, type TapeCapacity } from './capacity.js';
export { TapeDrive } from './drive.js';
export { TapeFile, type TapeFileEnd } from './file.js';
