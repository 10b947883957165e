// Tape drives and disc burners without hardware: tgt's emulation over iSCSI on loopback, handed to a guest by QEMU (no kernel module).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** One tgtd; each device is a target of its own. Dispose of it, or it stays. */
export class Targets {
  #child;
  #port;
  #control;
  #count = 0;

  static async start() {
    const t = new Targets();
    t.#control = 100 + (process.pid % 900);
    t.#port = 20_000 + (process.pid % 20_000);
    t.#child = spawn('tgtd', ['-f', '-C', String(t.#control), '--iscsi', `portal=127.0.0.1:${t.#port}`], { stdio: 'ignore' });
    for (let i = 0; i < 50; i++) {
      if ((await execa('tgtadm', ['-C', String(t.#control), '--lld', 'iscsi', '--op', 'show', '--mode', 'target'], { reject: false })).exitCode === 0) return t;
      await sleep(100);
    }
    throw new Error('tgtd does not answer');
  }

  #admin(...args) {
    return execa('tgtadm', ['-C', String(this.#control), '--lld', 'iscsi', ...args]);
  }

  async #device(type, file) {
    const tid = String(++this.#count);
    const name = `iqn.2026-11.local:${type}${tid}`;
    await this.#admin('--op', 'new', '--mode', 'target', '--tid', tid, '-T', name);
    await this.#admin('--op', 'new', '--mode', 'logicalunit', '--tid', tid, '--lun', '1', '--device-type', type, '-b', file);
    await this.#admin('--op', 'bind', '--mode', 'target', '--tid', tid, '-I', 'ALL');
    return { tid, drive: `file=iscsi://127.0.0.1:${this.#port}/${name}/1,if=none,format=raw` };
  }

  /** A drive with a blank tape of so many MB. */
  async tape(file, megabytes, barcode) {
    await this.blankTape(file, megabytes, barcode);
    return await this.#device('tape', file);
  }

  /** A blank tape as a file. */
  async blankTape(file, megabytes, barcode) {
    rmSync(file, { force: true });
    await execa('tgtimg', ['--op', 'new', '--device-type', 'tape', '--barcode', barcode, '--size', String(megabytes), '--type', 'data', '--file', file]);
  }

  /** A blank DVD+R as a file. */
  async disc(file) {
    rmSync(file, { force: true });
    await execa('tgtimg', ['--op', 'new', '--device-type', 'cd', '--type', 'dvd+r', '--file', file]);
  }

  /** A burner with a disc in it. */
  burner(file) {
    return this.#device('cd', file);
  }

  /** Puts another disc into a burner, or (`type` tape) another tape into a drive. */
  async insert(device, file, type = 'cd') {
    const unit = ['--mode', 'logicalunit', '--tid', device.tid, '--lun', '1'];
    // A unit of its own for each disc: exchanged in place, tgt keeps the kind of the one before, or refuses because the drive is locked.
    if (!device.lost) await this.lose(device);
    await this.#admin('--op', 'new', ...unit, '--device-type', type, '-b', file);
    device.lost = false;
  }

  /** The burner with its disc is gone from one moment to the next, until a disc is inserted. */
  async lose(device) {
    await this.#admin('--op', 'delete', '--mode', 'logicalunit', '--tid', device.tid, '--lun', '1');
    device.lost = true;
  }

  async [Symbol.asyncDispose]() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** QEMU's arguments that give devices to a guest, as SCSI devices of their own. */
export const scsiArguments = (devices) => ['-device', 'virtio-scsi-pci,id=generic', ...devices.flatMap((d, i) => ['-drive', `${d.drive},id=generic${i}`, '-device', `scsi-generic,drive=generic${i},bus=generic.0`])];

/** Runs `work` with something that is disposed of afterwards, whatever happens (Node 20 has no `await using`). */
export async function use(promise, work) {
  const resource = await promise;
  try {
    return await work(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}
