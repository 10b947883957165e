// What of a survey must be the same before and after a restore, for the cases that compare both.

const byName = (key) => (a, b) => (key(a) < key(b) ? -1 : 1);

/** Not what LVM, mdadm or mkfs count anew (bytes of a file system, what is used), nor the order of extents and of the mounts. */
export function essence(s) {
  return JSON.parse(JSON.stringify({
    disks: s.disks.map(({ device, table }) => ({ device, table })),
    // Subvolumes by their paths: their order is that in which they were made.
    layers: [...s.layers].sort(byName((l) => l.device ?? l.name)).map((l) => (l.type === 'btrfs' ? { ...l, subvolumes: Object.fromEntries([...l.subvolumes].sort(byName((v) => v.path)).map((v) => [v.path, v])) } : l.type === 'vg' ? { ...l, volumes: l.volumes.map((v) => ({ ...v, on: [...v.on].sort() })) } : l)),
    // mke2fs rounds a share of the blocks to whole ones.
    fileSystems: [...s.fileSystems].sort(byName((f) => f.mount)).map((f) => ({ ...f, bytes: 0, usedBytes: 0, usedInodes: 0, options: '', parameters: { ...f.parameters, ...(f.parameters.reservedPercent === undefined ? {} : { reservedPercent: Number(f.parameters.reservedPercent).toFixed(1) }) } })),
    swaps: s.swaps, unsupported: s.unsupported,
  }));
}

/** Every difference of two values, as paths. */
export function differences(a, b, path = '') {
  if (a === b) return [];
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return [`${path}: ${JSON.stringify(a)} -> ${JSON.stringify(b)}`];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) => differences(a[k], b[k], `${path}/${k}`));
}
