export { archiveName, planBackup, type BackupItem, type BackupOptions } from './plan.js';
export { CONTENT_FLAGS, createArguments, excludeArguments } from './tar-arguments.js';
export { openTar, type TarStream } from './tar.js';
export { judgeTar, type TarVerdict } from './verdict.js';
