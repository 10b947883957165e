import type { RehearsalPage, Sheet } from '@cdrec/report';

const GIB = 2 ** 30;
const parts = [
  { name: 'partition 1', what: 'vfat /boot/efi', bytes: 512 * 2 ** 20 }, { name: 'partition 2', what: 'ext4 /boot', bytes: 1 * GIB },
  { name: 'partition 3', what: 'LUKS2 on /dev/nvme0n1p3; volume group vg', bytes: 470 * GIB }, { name: 'partition 4', what: 'swap', bytes: 5 * GIB },
];

/** A sheet with what a sheet can have: several disks, encryption, long names. */
export const SHEET: Sheet = {
  host: 'files.example.org', os: 'Debian GNU/Linux 12 (bookworm)', hardware: 'Dell Inc. PowerEdge R650, 32 × Intel(R) Xeon(R) Gold 6326 CPU @ 2.90GHz, 128 GiB of memory', label: 'CDrec-2026.11.25', setId: '2f1c9a52-7b1e-4a9f-8d5e-0c4f0a2b7e11',
  created: '2026-11-25T03:12:44.000Z', version: '0.1.0', mode: 'iso', firmware: 'uefi', secureBoot: true, volumes: ['CDrec-2026.11.25_1.iso', 'CDrec-2026.11.25_2.iso'],
  disks: [
    { title: '/dev/nvme0n1', bytes: 480 * GIB, parts, model: 'SAMSUNG MZQL2480HCJR-00A07', serial: 'S64FNE0R802879', leastBytes: 61 * GIB },
    { title: '/dev/sda', bytes: 4000 * GIB, parts: [{ name: 'partition 1', what: 'raid1 of /dev/sda1, /dev/sdb1; ext4 /srv', bytes: 3000 * GIB }], model: 'ST4000NM000A', serial: 'WS20ABCD', leastBytes: 1200 * GIB },
  ],
  fileSystems: [
    { mount: '/', type: 'ext4', usedBytes: 21 * GIB, archive: 'mapper_vg-root._.tar.zst' }, { mount: '/boot', type: 'ext4', usedBytes: 200 * 2 ** 20, archive: 'nvme0n1p2._boot.tar.zst' },
    { mount: '/boot/efi', type: 'vfat', usedBytes: 9 * 2 ** 20, archive: 'nvme0n1p1._boot_efi.tar.zst' }, { mount: '/srv/a-long-name/of-a-directory/that-somebody-once-thought-of', type: 'xfs', usedBytes: 900 * GIB, archive: '' },
  ],
  encrypted: true, luks: true, network: ['192.0.2.10/24', '2001:db8::10/64'],
};

/** The smallest PNG: one grey dot. */
const DOT = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64');

/** A rehearsal that failed late, with everything a page can show. */
export const FAILED: RehearsalPage = {
  verdict: 'FAIL', host: SHEET.host, label: SHEET.label, setId: SHEET.setId, created: '2026-11-25T04:00:00.000Z', accelerator: 'tcg', firmware: 'uefi', bus: 'nvme', memoryMiB: 2048, versions: { cdrec: '0.1.0', qemu: '7.2.22', node: 'v20.20.2' },
  stages: [
    { title: 'The set is complete and undamaged', seconds: 12, verdict: 'PASS', reason: '' }, { title: 'The recovery medium boots', seconds: 31, verdict: 'PASS', reason: '' }, { title: 'The machine is restored onto blank disks', seconds: 214, verdict: 'PASS', reason: '' },
    { title: 'Every restored file equals the archive', seconds: 0, verdict: 'PASS', reason: '' }, { title: 'The restored disks boot without the medium', seconds: 96, verdict: 'PASS', reason: '' },
    { title: 'The restored system is well', seconds: 0, verdict: 'FAIL', reason: 'it started into emergency mode; /srv/gone is not mounted (UUID=dead0000-0000-4000-8000-000000000000)' },
  ],
  volumes: SHEET.volumes?.map((name) => ({ name, bytes: 4.3 * GIB, sha256: 'a3'.repeat(32) })) ?? [],
  maps: SHEET.disks.map((before) => ({ before, after: { ...before, bytes: before.bytes * 0.8, parts: before.parts.map((p) => ({ ...p, bytes: p.bytes * 0.78 })) } })),
  checkedFiles: 182_341, differences: ['/etc/hostname: Contents differ'], remarks: ['remark: /etc/fstab: /dev/sda1 -> UUID=x'], injected: ['etc/cdrec-rehearsal.sh'],
  system: { state: 'emergency', target: 'multi-user.target', kernel: '6.1.0-56-amd64', failedUnits: ['srv-gone.mount'], retriedUnits: ['console-setup.service'], mounted: ['/', '/boot'], missing: ['/srv/gone UUID=dead0000'], swap: false },
  screenshots: [{ title: 'Boot menu', png: DOT }], logs: [{ title: 'Restored system', text: `\x1b[32mok\x1b[0m <script>alert(1)</script> ${'a very long line '.repeat(60)}\r\nend\x00` }],
};
export const PASSED: RehearsalPage = { ...FAILED, verdict: 'PASS', differences: [], remarks: [], stages: FAILED.stages.map((s) => ({ ...s, verdict: 'PASS' as const, reason: '' })), system: { state: 'running', target: 'graphical.target', kernel: '6.1.0-56-amd64', failedUnits: [], retriedUnits: [], mounted: ['/', '/boot', '/srv'], missing: [], swap: true } };
