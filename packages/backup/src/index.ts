export { archiveName, imageStage, planBackup, type BackupItem, type BackupOptions } from './plan.js';
export { DEFAULT_EXCLUDES, rulesOf, type FileSystemRules, type Rules } from './rules.js';
export { CONTENT_FLAGS, createArguments } from './tar-arguments.js';
export { hasFlags, openBytes, readFlags } from './flags.js';
export { openNames } from './names.js';
export { openImage, openTar, type BackupStream } from './tar.js';
export { judgeTar, type TarVerdict } from './verdict.js';
