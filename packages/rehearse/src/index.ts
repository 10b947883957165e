export { chooseAccelerator, type Accelerator } from './accelerator.js';
export { Guest, type GuestOptions, type Medium } from './guest.js';
export { compareTrees, type CompareOptions, type TreeComparison } from './compare.js';
export { attachImage, mountedImage, withMounts, type AttachedImage } from './loop.js';
export { compareEsp } from './esp.js';
export { makeSampleDisk, SAMPLES, type Sample, type SampleName } from './sample.js';
export { makeBaseSystem, STACK_MODULES, STACK_PACKAGES } from './base.js';
export { bootToLogin, bootToRescue, powerOff } from './roads.js';
export { plantTorture } from './torture.js';
