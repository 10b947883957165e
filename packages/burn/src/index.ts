export { judgeTarget, readBurnTarget, type BurnTarget } from './target.js';
export { verifyDevice, writeImageToDevice, type DeviceWriteOptions, type DeviceWriteReport } from './write.js';
export { blankDisc, burnArguments, burnDisc, BURN_PROGRAMS, chooseBurnProgram, moveTray, parseDisc, readDisc, type BurnOptions, type BurnProgram, type Disc } from './disc.js';
