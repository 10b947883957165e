import { join } from 'node:path';
import { runTool } from '@cdrec/tool';
import type { Step } from './plan.js';

/**
 * Blocks of its own for every byte: fallocate(1), or zeros where the file system cannot (ext3). On btrfs not copied on write, which is
 * only to be said of an empty file (chattr(1), swapon(8)). The directory keeps its time: the file was in it before.
 */
const MAKE = `set -e
dir=$(dirname -- "$1"); mkdir -p -- "$dir"; stamp=$(mktemp); trap 'rm -f "$stamp"' EXIT; touch -r "$dir" "$stamp"
rm -f -- "$1"; (umask 077; : > "$1")
[ "$6" = no ] || chattr +C -- "$1"
fallocate -l "$2" -- "$1" 2> /dev/null || dd if=/dev/zero of="$1" bs=1M count="$2" iflag=count_bytes conv=notrunc status=none
chmod "$5" -- "$1"
if [ -n "$4" ]; then mkswap -q -U "$3" -L "$4" -- "$1"; else mkswap -q -U "$3" -- "$1"; fi
[ -z "$7" ] || setfattr -n security.selinux -v "$7" -- "$1"
touch -r "$stamp" "$dir"`;

/** Makes a swap file in the restored system mounted at `root`, with the size, UUID, label and mode (and the label of SELinux) that it had. @throws CdrecError TOOL_FAILED */
export async function makeSwapFile({ file, copyOnWrite }: Extract<Step, { kind: 'swap-file' }>, root: string): Promise<void> {
  await runTool('bash', ['-c', MAKE, 'bash', join(root, file.path), String(file.bytes), file.uuid, file.label, file.mode.toString(8), copyOnWrite ? 'yes' : 'no', file.selinux ?? '']);
}
