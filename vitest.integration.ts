import { defineConfig, mergeConfig } from 'vitest/config';
import shared from './vitest.shared.ts';

/**
 * Tests against the real tools (and loop devices): one file at a time, each with room to run. `*.long.ts` are those that `npm test` has no time for:
 * CDREC_TESTS=long runs them alone (`npm run e2e -- long` all, CI some each day), CDREC_TESTS=all both.
 */
const which = process.env['CDREC_TESTS'] ?? 'short';
const base = mergeConfig(shared, defineConfig({ test: { testTimeout: 600_000, hookTimeout: 300_000, fileParallelism: false } }));
export default { ...base, test: { ...base.test, include: [...(which === 'long' ? [] : ['test/**/*.integration.ts']), ...(which === 'short' ? [] : ['test/**/*.long.ts'])] } };
