export { buildFatImage, ESP, FLOPPIES, type FatFile, type FatGeometry } from './fat/image.js';
export { floppyImage, hardDiskImage, type EmulatedContent, type FloppySize } from './emulation.js';
export { grubMenu, grubStub, ipxeMenu, loopbackMenu, markerFile, syslinuxMenu, type MenuOptions } from './menus.js';
export { netbootFiles, NET_RESCUE, type NetFile } from './netboot.js';
export { findBootParts, type BootParts, type MissingPart, type SignedLoader } from './parts.js';
export { isSignedPe } from './pe.js';
export { addBootFiles, chooseUefi, prepareBoot, type ImageSink, type PreparedBoot, type RoadOptions } from './roads.js';
export { fleetFiles, GENERIC_PLACE, placeOfMachine, type FleetFile, type FleetMachine } from './fleet-tree.js';
