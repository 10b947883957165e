export { formatManifest, isLabel, labelFor, manifestSchema, parseManifest, setJsonSchema, volumeFile, volumeLabel, type Archive, type ArchiveMeta, type Manifest, type Piece } from './manifest.js';
export { IsoSetWriter } from './iso-set.js';
export { PathSetWriter } from './path-set.js';
export type { FinishedSet, SetHeader, SetWriter, VolumeBoot } from './writer.js';
export { openSets, type OpenSet, type OpenVolume, type OpenedSets } from './reader.js';
export { verifySet, type Finding } from './verify.js';
export { describeTape, readTape, readTapeIndex, type TapeContent, type TapeMedium, type TapeOutput } from './tape.js';
export { TapeSetWriter, type TapeSetOptions } from './tape-set.js';
export { openTapeSet, type TapeReadOptions } from './tape-reader.js';
