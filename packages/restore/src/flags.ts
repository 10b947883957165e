import type { ChainStage } from '@cdrec/tool';

/** Letters of chattr(1) that are set; the others in the output of lsattr(1) tell how a file happens to be stored. */
const KEPT = 'aAcCdDijmPSsTtux';

/** What restores flags: reads such a list from standard input; the directory that is the mount point is its argument. Files that are not there are passed over; one whose flags cannot be set is named on stderr. */
export function applyFlags(directory: string): ChainStage {
  const script = `cd -- "$1" || exit 1; while IFS= read -r line; do flags=\${line%% *}; flags=\${flags//[^${KEPT}]/}; name=\${line#* }; [ -e "$name" ] || continue; chattr "+$flags" -- "$name" 2> /dev/null || echo "flags: $flags: $name" >&2; done`;
  return { program: 'bash', args: ['-c', script, 'bash', directory] };
}
