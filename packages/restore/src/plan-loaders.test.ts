import type { Survey } from '@cdrec/survey';
import { describe, expect, it } from 'vitest';
import type { Assignment } from './index.ts';
import { loaderSteps } from './plan-loaders.ts';

/** Where boot loaders go: facts of a survey, and the disks that take the place of its disks. */
const disk = (name: string, uuid: string) => ({ device: `/dev/${name}`, model: '', serial: '', wwn: '', transport: '', bytes: 1e9, sectorBytes: 512, used: true, links: [], table: { type: 'gpt' as const, id: '', partitions: [{ number: 1, node: `/dev/${name}1`, start: 2048, sectors: 9, type: 'U', uuid, bootable: false }] } });
const disks = [disk('sda', 'aa-1'), disk('sdb', 'BB-2')];
const assignments = disks.map((source): Assignment => ({ source, rule: 'named by you', target: { device: source.device.replace('sd', 'vd'), bytes: 1e9, sectorBytes: 512, model: '', serial: '', wwn: '', content: '', refusal: undefined, onlyByName: false } }));
const entry = (partition: string, more: object = {}) => ({ label: 'debian', partition, file: '\\EFI\\debian\\shimx64.efi', arguments: '', ...more });
const survey = (more: object): Survey => ({ host: { name: 'h', osId: 'debian' }, disks, layers: [], fileSystems: [], swaps: [], swapFiles: [], images: [], boot: { loaders: [{ type: 'efi', mount: '/boot/efi', files: [] }], entries: [entry('AA-1'), entry('BB-2'), entry('CC-3', { label: 'other' })] }, ...more }) as unknown as Survey;

describe('an ESP', () => {
  it('on a partition is entered with what the firmware started from it', () => {
    const [step] = loaderSteps(survey({ fileSystems: [{ device: '/dev/sda1', disk: '/dev/sda', partition: 1, mount: '/boot/efi', uuid: 'U' }] }), assignments, new Map(), []);
    expect(step).toMatchObject({ kind: 'efi', places: [{ disk: '/dev/vda', partition: 1 }], entries: [{ label: 'debian', partition: 'AA-1' }] });
  });
  it('on a mirror is entered for each of its disks that is there, and the entries of both are one', () => {
    const mirror = { type: 'raid', device: '/dev/md0', uuid: 'M', level: 'raid1', count: 2, members: [{ device: '/dev/sda1', slot: 0 }, { device: '/dev/sdb1', slot: 1 }] };
    const s = survey({ layers: [mirror], fileSystems: [{ device: '/dev/md0', disk: '', partition: 0, mount: '/boot/efi', uuid: 'U' }] });
    const of = (a: readonly Assignment[]) => loaderSteps(s, a, new Map(), [])[0];
    expect(of(assignments)).toMatchObject({ places: [{ disk: '/dev/vda', partition: 1 }, { disk: '/dev/vdb', partition: 1 }], entries: [{ label: 'debian', file: '\\EFI\\debian\\shimx64.efi' }] });
    const both = of(assignments);
    expect(both?.kind === 'efi' ? both.entries : []).toHaveLength(1);
    expect(of(assignments.slice(1))).toMatchObject({ places: [{ disk: '/dev/vdb', partition: 1 }] });
  });
});

describe('a loader in the first sector of a partition', () => {
  const mbr = { ...disk('sda', ''), table: { type: 'dos' as const, id: '0x1', partitions: [{ number: 2, node: '/dev/sda2', start: 2048, sectors: 9, type: '83', bootable: true }] } };
  const of = (source: typeof mbr | (typeof disks)[number], loader: object) => loaderSteps(survey({ disks: [source], boot: { loaders: [{ disk: '/dev/sda', directory: '/boot/grub', ...loader }], entries: [] } }), [{ ...(assignments[0] as Assignment), source, target: { ...(assignments[0] as Assignment).target, device: '/dev/nvme0n1' } }], new Map(), [])[0];
  it('goes there again, and into that of the disk where another table came, whose code knows no active partition', () => {
    expect(of(mbr, { type: 'grub-bios', partition: '/dev/sda2' })).toMatchObject({ kind: 'grub-bios', disk: '/dev/nvme0n1p2', partition: true });
    expect(of(mbr, { type: 'lilo', partition: '/dev/sda2' })).toMatchObject({ kind: 'lilo', disk: '/dev/nvme0n1p2' });
    expect(of(disks[0] as (typeof disks)[number], { type: 'grub-bios', partition: '/dev/sda1' })).toMatchObject({ disk: '/dev/nvme0n1' });
    expect(of(mbr, { type: 'grub-bios' })).toMatchObject({ disk: '/dev/nvme0n1' });
  });
});
