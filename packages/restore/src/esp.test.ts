import type { Survey } from '@cdrec/survey';
import { describe, expect, it } from 'vitest';
import { addEsp, convertSurvey, espDisk, formatPlan, planRestore } from './index.ts';

const MIB = 2 ** 20;
const machine = (more: Partial<Survey> = {}): Survey => ({
  version: 1, created: '', host: { name: 'old', os: '', osId: 'debian', osVersion: '', arch: '', cpu: '', cpus: 1, memoryBytes: 1, vendor: '', product: '' },
  boot: { firmware: 'bios', secureBoot: false, kernel: { version: '', image: '', modules: '' }, commandLine: '', loaders: [{ type: 'grub-bios', disk: '/dev/sda', directory: '/boot/grub' }], entries: [] }, modules: [], network: [], routes: [], nameServers: [], searchDomains: [],
  disks: [{ device: '/dev/sda', model: '', serial: 'S', wwn: '', transport: '', bytes: 4096 * MIB, sectorBytes: 512, used: true, links: [], table: { type: 'dos', id: '0x1234', partitions: [{ number: 1, node: '/dev/sda1', start: 2048, sectors: 4095 * 2048, type: '83', bootable: true }] } }],
  fileSystems: [{ device: '/dev/sda1', disk: '/dev/sda', partition: 1, type: 'ext4', uuid: 'R', label: '', bytes: 4095 * MIB, usedBytes: 900 * MIB, mount: '/', options: '', parameters: { blockSize: '4096' } }],
  swaps: [], layers: [], swapFiles: [], images: [], unsupported: [], configuration: {}, ...more,
});
const plan = (survey: Survey, mib: number): ReturnType<typeof planRestore> => planRestore({
  survey, newEsp: true, firmware: 'uefi', archives: [{ kind: 'tar', device: '/dev/sda1', name: 'root', mount: '/', compress: 'none', contentBytes: 1 }],
  assignments: [{ source: survey.disks[0] as Survey['disks'][number], rule: 'named by you', target: { device: '/dev/nvme0n1', bytes: mib * MIB, sectorBytes: 512, model: '', serial: 'N', wwn: '', content: '', refusal: undefined, onlyByName: false } }],
});
const prepared = (): Survey => addEsp(convertSurvey(machine(), new Map([['/dev/sda', 'gpt']])).survey, '/dev/sda');

describe('an EFI system partition for what started by BIOS', () => {
  it('is for the disk with GRUB below the root, and only where there is none', () => {
    expect(espDisk(machine())).toBe('/dev/sda');
    const { boot, fileSystems, disks } = machine();
    expect(espDisk(machine({ boot: { ...boot, loaders: [{ type: 'lilo', disk: '/dev/sda' }] } }))).toBeUndefined();
    expect(espDisk(machine({ boot: { ...boot, loaders: [...boot.loaders, { type: 'efi', mount: '/boot/efi', files: [] }] } }))).toBeUndefined();
    expect(espDisk(machine({ fileSystems: fileSystems.map((f) => ({ ...f, mount: '/data' })) }))).toBeUndefined();
    expect(espDisk(machine({ disks: disks.map((d) => ({ ...d, table: undefined })) }))).toBeUndefined();
    expect(espDisk(prepared())).toBeUndefined();
  });
  it.each([[4096, 'a disk of the same size: the root gives way'], [2048, 'a smaller one'], [9000, 'a larger one']])('%i MiB: %s', (mib) => {
    const p = plan(prepared(), mib);
    const table = p.steps.find((s) => s.kind === 'table');
    if (table?.kind !== 'table') throw new Error('no table');
    expect(table.nodes.map((n) => n.path)).toEqual(['/dev/nvme0n1p1', '/dev/nvme0n1p2', '/dev/nvme0n1p3']);
    expect(table.script).toMatch(/label: gpt[^]*21686148[^]*C12A7328-F81F-11D2-BA4B-00A0C93EC93B/);
    const [, , esp] = table.nodes;
    expect([(esp?.start ?? 0) % 2048, (esp?.size ?? 0) / 2048]).toEqual([0, 128]);
    expect((esp?.start ?? 0) + (esp?.size ?? 0)).toBeLessThanOrEqual(mib * 2048 - 33);
    expect(p.steps.filter((s) => s.kind === 'extract').map((s) => s.mount)).toEqual(['/']);
    expect(p.steps.flatMap((s) => (s.kind === 'make' ? s.commands.flat().filter((c) => c.startsWith('mkfs') || c === 'mke2fs') : []))).toEqual(['mke2fs', 'mkfs.vfat']);
    expect(p.steps.find((s) => s.kind === 'efi')).toMatchObject({ fresh: true, mount: '/boot/efi', label: 'debian', places: [{ disk: '/dev/nvme0n1', partition: 3 }] });
    expect(p.steps.find((s) => s.kind === 'grub-bios')).toBeDefined();
    expect(p.steps.find((s) => s.kind === 'adapt')).toMatchObject({ fstab: expect.stringMatching(/^UUID=[0-9A-F]{4}-[0-9A-F]{4} \/boot\/efi vfat umask=0077 0 1$/) as string });
    expect(formatPlan(p)).toMatch(/partition 3 +- +128 MiB {3}vfat \/boot\/efi\n[^]*WARNING: it is to start by UEFI[^]*install GRUB \(UEFI\) into \/boot\/efi/);
    // The same set and disks make the same plan, and the same UUID.
    expect(plan(prepared(), mib).id).toBe(p.id);
  });
  it('is refused where there is no room for it', () => {
    expect(() => plan(prepared(), 950)).toThrow(/too small/);
  });
});
