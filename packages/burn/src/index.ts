export { judgeTarget, readBurnTarget, type BurnTarget } from './target.js';
export { verifyDevice, writeImageToDevice, type DeviceWriteOptions, type DeviceWriteReport } from './write.js';
