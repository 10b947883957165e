import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { CdrecError, installHint } from '@cdrec/tool';

/** How QEMU runs guests here. */
export type Accelerator = 'kvm' | 'tcg';

/**
 * Boot sector that counts 2^30 down and then writes 0x21 to port 0xf4: QEMU's isa-debug-exit then ends with status 2 * 0x21 + 1.
 * mov ecx,0x40000000; dec ecx; jnz $-2; mov al,0x21; out 0xf4,al; hlt; jmp $-1
 */
const PROBE = Buffer.concat([Buffer.from([0x66, 0xb9, 0, 0, 0, 0x40, 0x66, 0x49, 0x75, 0xfc, 0xb0, 0x21, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd]), Buffer.alloc(493), Buffer.from([0x55, 0xaa])]);
const PROBE_STATUS = 67;

/**
 * Finds out whether KVM is any good by running a guest with a deadline: /dev/kvm may exist and be useless.
 * @throws CdrecError TOOL_MISSING when QEMU is not installed
 */
export async function chooseAccelerator(deadlineMs = 5000): Promise<Accelerator> {
  const dir = mkdtempSync(join(tmpdir(), 'cdrec-kvm-'));
  try {
    const disk = join(dir, 'probe.img');
    writeFileSync(disk, PROBE);
    const run = (accel: string): Promise<number | undefined> => execa('qemu-system-x86_64', [
      '-machine', `pc,accel=${accel}`, '-m', '32', '-display', 'none', '-serial', 'none', '-monitor', 'none', '-net', 'none', '-no-reboot',
      '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-drive', `file=${disk},format=raw,if=ide`,
    ], { reject: false, timeout: deadlineMs, stdin: 'ignore', killSignal: 'SIGKILL' }).then((r) => {
      if (r.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', 'program "qemu-system-x86_64" is not installed', { hint: installHint('qemu-system-x86_64') });
      return r.exitCode;
    });
    return existsSync('/dev/kvm') && (await run('kvm')) === PROBE_STATUS ? 'kvm' : 'tcg';
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
