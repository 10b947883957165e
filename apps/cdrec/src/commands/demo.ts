import { resolve } from 'node:path';
import { SAMPLES, type SampleName } from '@cdrec/rehearse';
import { bundlePath } from '../rescue-parts.js';
import { runDemo } from '../demo.js';
import { EXIT, usageError, type AddCommand } from '../main.js';

interface Flags { sample: string; dir: string; cache?: string; inside?: boolean; volumeSize: string; keep?: boolean; uefiBoot?: boolean }

export const demoCommand: AddCommand = (program, terminal, finish) => {
  program.command('demo')
    .description('do the whole job on a sample system in QEMU: make it, back it up, boot the set, restore, boot the result, compare every file')
    .option('--sample <name>', Object.keys(SAMPLES).join(' or '), 'bios-ext4')
    .option('--dir <directory>', 'where images, set and report go', '/var/tmp/cdrec-demo')
    .option('--cache <directory>', 'where the sample system is kept for the next time (default: in --dir)')
    .option('--inside', 'run "cdrec build" inside the booted sample instead of in a chroot (slower without KVM)')
    .option('--volume-size <size>', 'size of a volume', 'dvd')
    .option('--uefi-boot', 'also boot the set by UEFI to the rescue prompt')
    .option('--keep', 'keep the disk images')
    .addHelpText('after', '\nNeeds root, QEMU and mmdebstrap. Exit status: 0 when not one file differs; 1 otherwise.')
    .action(async (flags: Flags) => {
      if (!(flags.sample in SAMPLES)) throw usageError(`there is no sample "${flags.sample}"`, `take ${Object.keys(SAMPLES).join(' or ')}`);
      if (process.getuid?.() !== 0) throw usageError('cdrec demo must be run as root: it mounts images');
      const sample = flags.sample as SampleName;
      if (SAMPLES[sample].firmware === 'uefi' && flags.inside !== true) throw usageError(`sample ${sample} needs --inside`, 'its ESP is mounted only in the running sample');
      const dir = resolve(flags.dir);
      const ok = await runDemo({ sample, dir, cache: resolve(flags.cache ?? dir), inside: flags.inside === true, volumeSize: flags.volumeSize, keep: flags.keep === true, uefiBoot: flags.uefiBoot === true, bundle: bundlePath() }, terminal);
      finish(ok ? EXIT.ok : EXIT.failed);
    });
};
