import { defineConfig, mergeConfig } from 'vitest/config';
import shared from './vitest.shared.ts';

/** Tests against the real tools (and loop devices): one file at a time, each with room to run. */
const base = mergeConfig(shared, defineConfig({ test: { testTimeout: 600_000, hookTimeout: 300_000, fileParallelism: false } }));
export default { ...base, test: { ...base.test, include: ['test/**/*.integration.ts'] } };
