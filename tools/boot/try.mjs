import { bootCase } from './run.mjs';
const m = '/var/tmp/cdrec-try/media';
const iso = (n) => `${m}/${n}/CDrec-2026.11.24_1.iso`;
const cd = (file, as='cdrom') => [{ file, as, boot: true, readonly: true }];
const net = `${m}/pxe/CDrec-2026.11.24`;
const cases = {
  sbcd: { firmware: 'secure-boot', media: cd(iso('default')), check: async (g) => (await g.must('mokutil --sb-state 2>/dev/null; od -An -t u1 /sys/firmware/efi/efivars/SecureBoot-*; cat /run/cdrec/rescue.log; network; ls -l /dev/disk', 60)) },
  grubbios: { firmware: 'bios', media: cd(iso('grub')) },
  grubusb: { firmware: 'bios', media: cd(iso('grub'), 'usb') },
  hd: { firmware: 'bios', media: cd(iso('hd')) },
  f144m: { firmware: 'bios', media: cd(iso('f144m')), menu: /Memory test/, expect: /Memtest86\+|Status: Testing/ },
  floppy: { firmware: 'bios', media: [{ file: `${m}/floppy/CDrec-2026.11.24_floppy.img`, as: 'floppy', boot: true, readonly: true }], menu: /Memory test/, expect: /Memtest86\+|Status: Testing/ },
  pxebios: { firmware: 'bios', network: { tftp: net, bootfile: 'pxelinux.0' }, memoryMiB: 768 },
  pxeuefi: { firmware: 'uefi', network: { tftp: net, bootfile: 'bootx64.efi' }, memoryMiB: 768, seconds: 400 },
  scsi: { firmware: 'bios', media: cd(iso('default'), 'virtio-scsi') },
};
for (const name of process.argv.slice(2)) {
  try { console.log(name, await bootCase('/var/tmp/cdrec-try/logs', { name, ...cases[name] })); } catch (e) { console.log(name, 'FAILED', e.message.slice(-1500)); }
}
