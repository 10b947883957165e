export { CdrecError, errorCode, type CdrecErrorOptions } from './errors.js';
export { AGE_SUFFIX, checkIdentity, checkRecipients, decryptStage, decryptText, encryptStage, encryptText, isAgeFile, lockIdentity, makeIdentity, unlockIdentity } from './age.js';
export { ASIDE_PATH, describeStage, failedStage, SECRET_PATH, startChain, type Chain, type ChainOptions, type ChainStage, type StageResult } from './chain.js';
export { COMPRESSORS, compressStage, decompressStage, levelOf, programsOf, suffixOf, type Compressor } from './codecs.js';
export { INODE_FLAGS } from './inode-flags.js';
export { readableNames, unquoteName } from './names.js';
export { findProgram, runTool, TOOL_ENV, type RunOptions, type ToolResult } from './run.js';
export { installCommand, installHint, packageManagerOf, packageOf, packagesFor, PACKAGE_MANAGERS, type PackageManager } from './packages.js';
export { OWN_MOUNTS, SEE_ALONE, viewPlace, withinSeconds } from './view.js';
