import { buildMedia } from '/work/main/tools/boot/media.mjs';
const r = await buildMedia('/var/tmp/cdrec-try', '.cache', {
  default: { config: '[rescue]\nssh_keys=["/mnt/key.pub"]\n' },
  grub: { config: '[boot]\nbios="grub"\nuefi="unsigned"\n' },
  hd: { config: '[boot]\nbios="hard-disk"\n' },
  f144: { config: '[boot]\nbios="floppy-1.44"\n' },
  f144m: { config: '[boot]\nbios="floppy-1.44"\nfloppy="memtest"\n' },
  pxe: { args: ['--output', 'pxe'] },
  floppy: { config: '[boot]\nfloppy="memtest"\n', args: ['--output', 'floppy'] },
});
for (const [k, v] of Object.entries(r)) console.log('==', k, v.status, v.said, v.files);
