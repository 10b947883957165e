import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Resolves sibling packages from their `src`, so that unit tests need no build. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@cdrec/source', ...defaultServerConditions] } },
  test: { environment: 'node', include: ['test/**/*.test.ts', 'src/**/*.test.ts'], testTimeout: 30_000 },
});
