#!/usr/bin/env bash
# All tests that need no long emulation: `npm test`. Fails, not skips, when a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup.sh
export NX_DAEMON=false
npx nx sync:check
node tools/docs.mjs --check
npx nx run-many -t lint typecheck --output-style=static
npx vitest run
npx nx run-many -t integration --output-style=static --parallel=1
