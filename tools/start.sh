#!/usr/bin/env bash
# The main job on a sample system: `npm start`. Further arguments go to `cdrec demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup.sh
exec node apps/cdrec/dist/bin.js demo --cache .cache --uefi-boot "$@"
