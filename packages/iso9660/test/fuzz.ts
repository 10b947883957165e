import { bufferSource, checkImage, IsoError, IsoReader, readImplant } from '@cdrec/iso9660';

/** Reproducible random numbers (mulberry32). */
export function random(seed: number): (below: number) => number {
  let s = seed >>> 0;
  return (below) => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Damages an image: bit flips, truncation, edits of fields, loops of directories and continuation areas. */
export function damage(good: Buffer, seed: number): Buffer {
  const r = random(seed);
  let image: Buffer = Buffer.from(good);
  // Most structures lie in front: that is where most damage goes.
  const front = Math.min(good.length, 120 * 2048);
  const place = (): number => Math.min(image.length - 1, r(4) === 0 ? r(image.length) : 16 * 2048 + r(front - 16 * 2048));
  const interesting = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, good.length / 2048, good.length / 2048 - 1, 16, 17, 18];
  for (let n = 1 + r(8); n > 0; n--) {
    switch (r(7)) {
      case 0: { const at = place(); image[at] = (image[at] as number) ^ (1 << r(8)); break; }
      case 1: image[place()] = r(256); break;
      case 2: { const at = Math.max(0, Math.min(place(), image.length - 8)); const v = interesting[r(interesting.length)] as number; image.writeUInt32LE(v >>> 0, at); if (r(2) === 0) image.writeUInt32BE(v >>> 0, at + 4); break; }
      case 3: image = image.subarray(0, Math.min(image.length, 17 * 2048) + r(Math.max(1, image.length - 17 * 2048))); break;
      case 4: { // a record or entry points to a structure that is there: loops
        const signatures = ['CE', 'CL', 'PL'];
        const at = image.indexOf(signatures[r(3)] as string, 18 * 2048 + r(front), 'latin1');
        if (at > 0 && at + 28 < image.length) {
          const v = 18 + r(100);
          image.writeUInt32LE(v, at + 4);
          image.writeUInt32BE(v, at + 8);
          if (image.toString('latin1', at, at + 2) === 'CE') { image.writeUInt32LE(r(2048), at + 12); image.writeUInt32LE(r(2300), at + 20); }
        }
        break;
      }
      case 5: { // a directory record points to some other directory
        const sector = 18 + r(60);
        const at = sector * 2048 + r(20) * 2;
        if (at + 34 < image.length) { const v = 18 + r(60); image.writeUInt32LE(v, at + 2); image.writeUInt32BE(v, at + 6); image[at + 25] = 2; }
        break;
      }
      case 6: { const from = place(); const to = place(); image.copy(image, to, from, Math.min(image.length, from + r(4096))); break; }
    }
  }
  return image;
}

/** Sends an image through reader and checker. Only `IsoError` may be thrown. Returns the milliseconds of CPU it took: a busy machine is no hang. */
export async function exercise(image: Buffer): Promise<number> {
  const started = process.cpuUsage();
  const source = bufferSource(image);
  await checkImage(source);
  await readImplant(source);
  for (const namespace of [undefined, 'joliet', 'iso'] as const) {
    try {
      const reader = await IsoReader.open(source, namespace === undefined ? {} : { namespace });
      let files = 0;
      for await (const entry of reader.walk()) {
        // A damaged size must not make us read gigabytes of nothing: the reader says that the image ends.
        if (entry.type === 'file' && files++ < 20) for await (const chunk of reader.read(entry)) if (chunk.length === 0) throw new Error('empty chunk');
      }
    } catch (error) {
      if (!(error instanceof IsoError)) throw error;
    }
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}
