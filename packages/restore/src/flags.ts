import { INODE_FLAGS, type ChainStage } from '@cdrec/tool';

/** What restores flags: reads such a list from standard input; the directory that is the mount point is its argument. Files that are not there are passed over; one whose flags cannot be set is named on stderr. */
export function applyFlags(directory: string): ChainStage {
  const script = `cd -- "$1" || exit 1; while IFS= read -r line; do flags=\${line%% *}; flags=\${flags//[^${INODE_FLAGS}]/}; name=\${line#* }; [ -e "$name" ] || continue; chattr "+$flags" -- "$name" 2> /dev/null || echo "flags: $flags: $name" >&2; done`;
  return { program: 'bash', args: ['-c', script, 'bash', directory] };
}
