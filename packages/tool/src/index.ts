export { CdrecError, errorCode, type CdrecErrorOptions } from './errors.js';
export { findProgram, runTool, TOOL_ENV, type RunOptions, type ToolResult } from './run.js';
export { installHint, packageOf } from './packages.js';
