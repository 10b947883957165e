import type { Survey } from '@cdrec/survey';
import { describe, expect, it } from 'vitest';
import { findTwins, twinWarning } from './twins.ts';
import type { Assignment } from './match.ts';
import type { TargetDisk } from './targets.ts';

const target = (device: string, ...uuids: string[]): TargetDisk => ({ device, bytes: 1, sectorBytes: 512, model: 'ACME', serial: device.toUpperCase(), wwn: '', content: '', refusal: undefined, onlyByName: false, uuids });
const disk = (device: string): Survey['disks'][number] => ({ device, model: '', serial: '', wwn: '', transport: '', bytes: 1, sectorBytes: 512, used: true, links: [], table: { type: 'gpt', id: '', partitions: [1, 2, 3].map((number) => ({ number, node: `${device}${String(number)}`, start: number, sectors: 1, type: '', bootable: false })) } });
const survey = {
  disks: [disk('/dev/sda'), disk('/dev/sdb')], swaps: [],
  fileSystems: [{ device: '/dev/sda1', uuid: 'AAAA-0001', mount: '/boot/efi' }, { device: '/dev/mapper/vg-root', uuid: 'root-uuid', mount: '/' }, { device: '/dev/sdb3', uuid: 'data-uuid', mount: '/data' }],
  layers: [
    { type: 'raid', device: '/dev/md0', name: 'host:0', uuid: '0011aabb:22334455:66778899:aabbccdd', members: [{ device: '/dev/sda2', slot: 0 }] },
    { type: 'vg', name: 'vg', physical: [{ device: '/dev/sda3', uuid: 'qXkR2s-abcd-EFGH' }] },
  ],
} as unknown as Survey;
const onto = (...pairs: [string, string][]): Assignment[] => pairs.map(([source, device]) => ({ source: survey.disks.find((d) => d.device === source) as Assignment['source'], target: target(device), rule: 'named by you' }));

describe('disks with the same UUIDs beside those that are restored', () => {
  it('are found by what lies on them, however their UUIDs are written', () => {
    const old = target('/dev/vda', 'aaaa-0001', '0011aabb-2233-4455-6677-8899aabbccdd', 'qXkR2s-abcd-EFGH');
    const found = findTwins(survey, onto(['/dev/sda', '/dev/vdb'], ['/dev/sdb', '/dev/vdc']), [old, target('/dev/vdb', 'AAAA-0001'), target('/dev/vdc'), target('/dev/vdd', 'something-else')]);
    expect(found.map((t) => [t.device, t.what])).toEqual([['/dev/vda', ['/boot/efi', 'array host:0', 'volume group vg']]]);
    expect(twinWarning(found[0] as never)).toMatch(/^\/dev\/vda \(ACME, serial \/DEV\/VDA\) stays as it is, and has the same UUIDs \(\/boot\/efi, array host:0, volume group vg\): detach it/);
  });
  it('are none where a disk only keeps what is not restored', () => {
    expect(findTwins(survey, onto(['/dev/sda', '/dev/vdb']), [target('/dev/vdc', 'data-uuid'), target('/dev/vdb', 'AAAA-0001')])).toEqual([]);
    expect(findTwins(survey, onto(['/dev/sda', '/dev/sda']), [{ ...target('/dev/sda', 'AAAA-0001') }, { ...target('/dev/sdz'), uuids: undefined as never }])).toEqual([]);
  });
});
