import type { CommandSpec } from '../cli/spec.js';
import { build, clean, config, test } from './machine.js';
import { installTimer, refresh, rehearse, status } from './proof.js';
import { cloneDsk, plan, restore, restoreFs } from './restore.js';
import { fleet } from './fleet.js';
import { bootEntry, burn, inspect, verify } from './set.js';
import { completion, demo, man, schema } from './tools.js';

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [test, config, build, verify, inspect, plan, restore, cloneDsk, restoreFs, rehearse, status, refresh, installTimer, fleet, burn, bootEntry, clean, demo, schema, completion, man];
