import { INODE_FLAGS, type ChainStage } from '@cdrec/tool';

/** Flags that hold for what is written into a directory from then on, or that only an empty one takes: no copy on write, compression, names whatever their case. */
const INHERITED = 'CcmF';

/** A line may begin with the number of a project. */
const PROJECT = 'project=; [[ $line =~ ^[0-9]+\\  ]] && { project=${line%% *}; line=${line#* }; }; ';

/** What makes the directories of a list of flags (which end in a slash there) that must have them before their files are unpacked: reads the list from standard input; the empty file system is its argument. */
export function prepareFlags(directory: string): ChainStage {
  const script = `cd -- "$1" || exit 1; while IFS= read -r line; do ${PROJECT}flags=\${line%% *}; flags=\${flags//[^${INHERITED}]/}; name=\${line#* }
[[ -n $flags && $name == */ ]] || continue; mkdir -p -- "$name" && chattr "+$flags" -- "$name" 2> /dev/null || true; done`;
  return { program: 'bash', label: 'chattr', args: ['-c', script, 'bash', directory] };
}

/**
 * What restores flags and projects: reads such a list from standard input; the directory that is the mount point is its argument. Files that are not there
 * are passed over; one whose flags or project cannot be set is named on stderr. A file that was not copied on write although its directory's
 * are is written once more: btrfs takes that flag for empty files only, and says nothing. Compression that is there already stays: on btrfs the
 * flag would make zlib of any other method, which an extended attribute has brought.
 */
export function applyFlags(directory: string): ChainStage {
  const script = `cd -- "$1" || exit 1; stamp=$(mktemp) || exit 1; trap 'rm -f "$stamp"' EXIT
again() {
  [ "$(stat -c %h -- "$1")" = 1 ] || return 1
  dir=$(dirname -- "$1"); touch -r "$dir" "$stamp"; new=$(mktemp "$dir/.cdrec-XXXXXX") || return 1
  if chattr +C -- "$new" && cp --reflink=never -- "$1" "$new" && cp -a --attributes-only -- "$1" "$new" && mv -f -- "$new" "$1"; then touch -r "$stamp" "$dir"; else rm -f -- "$new"; touch -r "$stamp" "$dir"; return 1; fi
} 2> /dev/null
while IFS= read -r line; do ${PROJECT}flags=\${line%% *}; flags=\${flags//[^${INODE_FLAGS}]/}; name=\${line#* }; [ -e "$name" ] || continue
  [ -z "$project" ] || chattr -p "$project" -- "$name" 2> /dev/null || echo "project: $project: $name" >&2
  if [[ $flags == *C* && -f $name && -s $name ]]; then now=$(lsattr -d -- "$name" 2> /dev/null); [[ \${now%% *} == *C* ]] || again "$name" || echo "flags: C: $name" >&2; flags=\${flags//C/}; fi
  for f in c F; do if [[ $flags == *$f* ]]; then now=$(lsattr -d -- "$name" 2> /dev/null); [[ \${now%% *} == *$f* ]] && flags=\${flags//$f/}; fi; done
  [ -n "$flags" ] || continue
  chattr "+$flags" -- "$name" 2> /dev/null || echo "flags: $flags: $name" >&2; done`;
  return { program: 'bash', label: 'chattr', args: ['-c', script, 'bash', directory] };
}
