export { surveySchema, surveyJsonSchema, parseSurvey, SURVEY_VERSION } from './schema.js';
export type { Survey, Disk, Partition, PartitionTable, FileSystem, Swap, BootLoader, Unsupported, Kernel } from './schema.js';
export { readSurvey, type SurveyOptions } from './read.js';
export { findKernel, listKernels } from './kernel.js';
export { readBlockTree, readDisk, superblockOf, type BlockDevice, type Superblock } from './block.js';
export { readParameters } from './parameters.js';
export { readMounts, type Mount } from './mounts.js';
