import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CdrecError } from '@cdrec/tool';
import { openSets, openTapeSet, parseManifest, PathSetWriter, readTape, TapeSetWriter, verifySet, type ArchiveMeta, type Manifest, type TapeMedium, type TapeOutput } from './index.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-tape-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

const header = { setId: '9f0c2f6a-1111-4222-8333-444455556666', label: 'T', created: 1767225600000, host: 'h' };
const meta = (name: string): ArchiveMeta => ({ name, kind: 'tar', compress: 'none', mount: '/', device: '/dev/sda1', fsType: 'ext4', fsUuid: 'u' });
const ended = () => Promise.resolve({ contentBytes: 1, exceptions: [] });
// eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
async function* chunks(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 5003) yield data.subarray(at, at + 5003);
}

/** A tape as a list of files in memory, with blocks and an end; as late with bad news as a real one behind pipes. */
class MemoryTape implements TapeMedium {
  readonly name: string;
  readonly blockBytes = 1024;
  readonly files: Buffer[] = [];
  #at = 0;
  readonly #capacity: number;
  constructor(name: string, capacity: number) {
    this.name = name;
    this.#capacity = capacity;
  }
  position(file: number): Promise<void> {
    if (file > this.files.length) return Promise.reject(new Error('no such file'));
    this.#at = file;
    return Promise.resolve();
  }
  // eslint-disable-next-line @typescript-eslint/require-await -- memory does not wait
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    yield this.files[this.#at++] ?? Buffer.alloc(0);
  }
  readSmall(file: number | 'last'): Promise<Buffer> {
    return Promise.resolve((file === 'last' ? this.files.at(-1) : this.files[file]) ?? Buffer.alloc(0));
  }
  eject(): Promise<void> { return Promise.resolve(); }
  countFiles(): Promise<number> { return Promise.resolve(this.files.length); }
  write(): TapeOutput {
    this.files.length = this.#at;
    const room = Math.floor((this.#capacity - this.files.reduce((n, f) => n + f.length, 0)) / 1024) * 1024;
    const all: Buffer[] = [];
    let bytes = 0;
    const out: TapeOutput = {
      onSettled: () => undefined,
      write: (chunk) => {
        all.push(Buffer.from(chunk));
        bytes += chunk.length;
        return Promise.resolve(bytes <= room + 20_000);
      },
      close: () => {
        const whole = Buffer.concat(all);
        const taken = whole.subarray(0, Math.max(0, room));
        this.files.push(Buffer.from(taken));
        this.#at++;
        if (taken.length > 0) out.onSettled(taken);
        const rest = whole.subarray(taken.length);
        return Promise.resolve({ bytes: taken.length, full: rest.length > 0, rest: rest.length > 0 ? [rest] : [] });
      },
      abort: () => Promise.resolve(),
    };
    return out;
  }
}

describe('a set on tape', () => {
  it('goes over as many tapes as it needs and comes back, whatever their length', async () => {
    for (const capacities of [[10_000_000], [100_000, 10_000_000], [60_000, 50_000, 70_000, 10_000_000], [51_200, 200_000, 10_000_000]]) {
      for (const f of readdirSync(dir)) rmSync(join(dir, f));
      const tapes = capacities.map((c, i) => new MemoryTape(`tape${String(i + 1)}`, c));
      const data = [randomBytes(120_001), randomBytes(7), Buffer.alloc(0), randomBytes(60_000)];
      const writer = await TapeSetWriter.begin({ ...header, directory: dir, boot: {}, populate: () => undefined, survey: Buffer.from('{"survey":1}'), nextTape: (n) => Promise.resolve(tapes[n - 1] as MemoryTape) });
      for (const [i, d] of data.entries()) await writer.addArchive(meta(`a${String(i)}.tar`), chunks(d), ended);
      const finished = await writer.finish();
      expect(readdirSync(dir).sort()).toEqual(['T_1.iso', 'T_tape.json']);
      const used = tapes.slice(0, finished.tapes);
      const set = await openTapeSet({ drives: [used.at(-1) as MemoryTape], changeTape: (_l, n) => Promise.resolve(used[n - 1] as MemoryTape) });
      expect(await verifySet(set)).toEqual([]);
      for (const [i, archive] of set.manifest.archives.entries()) {
        const parts = [];
        for await (const c of set.read(archive)) parts.push(Buffer.from(c));
        expect(createHash('sha256').update(Buffer.concat(parts)).digest('hex')).toBe(createHash('sha256').update(data[i] as Buffer).digest('hex'));
      }
      expect((await set.volumes.get(1)?.readFile('cdrec/survey.json'))?.toString()).toBe('{"survey":1}');
    }
  });

  it('asks for the last tape, and refuses to take another set for it', async () => {
    const tapes = [new MemoryTape('t1', 60_000), new MemoryTape('t2', 10_000_000)];
    const writer = await TapeSetWriter.begin({ ...header, directory: dir, boot: {}, populate: () => undefined, survey: Buffer.from('{}'), nextTape: (n) => Promise.resolve(tapes[n - 1] as MemoryTape) });
    await writer.addArchive(meta('a'), chunks(randomBytes(100_000)), ended);
    await writer.finish();
    const asked: number[] = [];
    const set = await openTapeSet({ drives: [tapes[0] as MemoryTape], changeTape: (_l, n) => { asked.push(n); return Promise.resolve(tapes[1] as MemoryTape); } });
    expect([asked, set.manifest.volume]).toEqual([[0], 2]);
    await expect(openTapeSet({ drives: [new MemoryTape('new', 1000)], changeTape: () => Promise.reject(new Error('not asked')) })).rejects.toMatchObject({ code: 'SET_NOT_FOUND', message: expect.stringContaining('blank') as string });
  });
});

describe('a tape', () => {
  const failing = (code: string, message: string): TapeMedium => Object.assign(new MemoryTape('t', 1000), { readSmall: () => Promise.reject(new CdrecError(code, message)) });
  it('counts as blank only when that is certain', async () => {
    const long = (data: Buffer): TapeMedium => {
      const tape = new MemoryTape('t', 1e9);
      tape.files.push(data);
      return Object.assign(tape, { readSmall: () => Promise.reject(new CdrecError('TAPE_LONG', 'long')) });
    };
    const zeros = Buffer.alloc(17 << 20);
    expect(await readTape(new MemoryTape('new', 1000))).toEqual({ kind: 'blank' });
    expect(await readTape(failing('TAPE_FAILED', 'dd ended with status 1: Input/output error'))).toEqual({ kind: 'blank' });
    // An I/O error, but the drive finds something recorded; an empty file, but something is behind it.
    const recorded = (readSmall: () => Promise<Buffer>, files: number): TapeMedium => Object.assign(new MemoryTape('t', 1000), { readSmall, countFiles: () => Promise.resolve(files) });
    expect(await readTape(recorded(() => Promise.reject(new CdrecError('TAPE_FAILED', 'dd ended with status 1: Input/output error')), 3))).toEqual({ kind: 'unreadable' });
    expect(await readTape(recorded(() => Promise.resolve(Buffer.alloc(0)), 2))).toEqual({ kind: 'foreign' });
    expect(await readTape(recorded(() => Promise.resolve(Buffer.alloc(0)), 1))).toEqual({ kind: 'blank' });
    expect(await readTape(long(zeros))).toEqual({ kind: 'blank' });
    // An image of a disk: a megabyte of zeros, then data.
    expect(await readTape(long(Buffer.concat([Buffer.alloc(1 << 20), Buffer.from('data'), zeros])))).toEqual({ kind: 'foreign' });
    expect(await readTape(failing('TAPE_BLOCK', 'Cannot allocate memory'))).toEqual({ kind: 'foreign' });
    await expect(readTape(failing('TAPE_FAILED', 'ssh: connect to host x: Connection refused'))).rejects.toMatchObject({ code: 'TAPE_FAILED' });
  });
});

describe('an archive', () => {
  it('that was truncated at a header boundary, replaced or re-ordered is found before anything is restored', async () => {
    const data = randomBytes(3_000_000);
    const writer = await PathSetWriter.begin({ ...header, mode: 'path', directory: dir, volumeBytes: 1e9, boot: {}, populate: () => undefined });
    await writer.addArchive(meta('a0.tar'), chunks(data), ended);
    await writer.addArchive(meta('a1.tar'), chunks(randomBytes(3_000_000)), ended);
    await writer.finish();
    const place = join(dir, header.label);
    const file = (n: number): string => join(place, `backup/a${String(n)}.tar`);
    const [a, b] = [readFileSync(file(0)), readFileSync(file(1))];
    const problems = async (): Promise<string[]> => {
      const { sets: [set] } = await openSets([place]);
      const found = set === undefined ? [] : await verifySet(set, undefined, (a) => a.kind !== 'index');
      await set?.close();
      return found.map((f) => f.problem);
    };
    expect(await problems()).toEqual([]);
    writeFileSync(file(0), a.subarray(0, 512 * 3000));
    expect(await problems()).toEqual([expect.stringContaining(`has ${String(512 * 3000)} of 3000000 bytes`)]);
    writeFileSync(file(0), b);
    writeFileSync(file(1), a);
    expect(await problems()).toEqual([expect.stringContaining('a0.tar is damaged'), expect.stringContaining('a1.tar is damaged')]);
    writeFileSync(file(0), a);
    writeFileSync(file(1), b);
    // Pieces that are sound by themselves, in another order than they were cut.
    const manifest: Manifest = parseManifest(readFileSync(join(place, 'cdrec/set.json'), 'utf8'), place);
    const [first, second] = manifest.archives;
    if (first === undefined || second === undefined) throw new Error('no archives');
    const swapped = { ...manifest, archives: [{ ...first, pieces: [...second.pieces, ...first.pieces] }, second] };
    writeFileSync(join(place, 'cdrec/set.json'), JSON.stringify(swapped));
    expect(await problems()).toEqual([expect.stringContaining('together they are not the stream that was cut')]);
  });
});
