export { assignDisks, neededBytes, type Assignment } from './match.js';
export { readTargets, toTargets, type TargetDisk } from './targets.js';
export { describeStep, formatPlan, planRestore, type Plan, type PlanInput, type Step } from './plan.js';
export { mkfsCommands, neededPrograms, partitionNode, sfdiskScript } from './commands.js';
export { btrfsCommand, groupStep, luksStep, raidStep, type LayerStep } from './layers.js';
export { executePlan, type ExecuteOptions, type ExecuteResult } from './execute.js';
export { archiveOf, listArchive, matcher, memberOf, pathOf } from './files.js';
export { withMount } from './mounts.js';
export { extract, extractArguments, type Extraction, type StoredAs } from './extract.js';
