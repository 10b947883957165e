#!/usr/bin/env bash
# End-to-end cases in QEMU: `npm run e2e` runs all, `npm run e2e -- NAME...` some, `-- --ci` those of CI's day.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup.sh
exec node tools/e2e.mjs "$@"
