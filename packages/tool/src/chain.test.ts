import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ASIDE_PATH, describeStage, failedStage, SECRET_PATH, startChain, type ChainStage } from './index.ts';

const read = async (chain: ReturnType<typeof startChain>): Promise<string> => {
  let text = '';
  for await (const chunk of chain.stdout) text += (chunk as Buffer).toString();
  return text;
};
const sh = (script: string, ...args: string[]): ChainStage => ({ program: 'sh', args: ['-c', script, 'sh', ...args] });

describe('startChain', () => {
  it('joins one to four programs, passes arguments as they are and keeps their stderr apart', async () => {
    for (let n = 1; n <= 4; n++) {
      const odd = ['a b', '$HOME', '"', "'", '', '3', '*', '`id`', 'line\nbreak'];
      const chain = startChain([{ program: 'printf', args: ['[%s]', ...odd] }, ...Array.from({ length: n - 1 }, (_, i) => sh(`echo stage ${String(i)} >&2; exec cat`))]);
      expect(await read(chain)).toBe(odd.map((o) => `[${o}]`).join(''));
      const results = await chain.ended();
      expect(results.map((r) => r.status)).toEqual(Array.from({ length: n }, () => 0));
      expect(results.slice(1).map((r) => r.stderr)).toEqual(Array.from({ length: n - 1 }, (_, i) => `stage ${String(i)}`));
      expect(failedStage(results)).toBeUndefined();
    }
  });
  it('feeds the first program and tells each status, also of signals', async () => {
    const chain = startChain([{ program: 'cat', args: [] }, sh('cat; kill -9 $$'), { program: 'cat', args: [] }, sh('cat; echo no >&2; exit 7')], { stdin: 'pipe' });
    chain.stdin.end('text');
    expect(await read(chain)).toBe('text');
    const results = await chain.ended();
    expect(results.map((r) => r.status)).toEqual([0, 137, 0, 7]);
    expect(describeStage(failedStage(results) as never)).toBe('sh ended with status 7: no');
  });
  it('blames the program that ended, not those which lost their reader', async () => {
    const chain = startChain([{ program: 'yes', args: [], label: 'source' }, { ...sh('head -c 100 > /dev/null; kill -9 $$'), label: 'compressor' }]);
    expect(await read(chain)).toBe('');
    const results = await chain.ended();
    expect(results.map((r) => r.status)).toEqual([141, 137]);
    expect(describeStage(failedStage(results) as never)).toBe('compressor was ended by signal 9');
  });
  it('can be ended as a whole', async () => {
    const chain = startChain([{ program: 'sleep', args: ['1000'] }, sh('sleep 1000 & wait')]);
    setTimeout(() => { chain.kill(); }, 100);
    await read(chain);
    expect((await chain.ended()).every((r) => r.status > 128)).toBe(true);
  });
  it('keeps aside what the first program says to its second output', async () => {
    const chain = startChain([sh(`seq 1 200000 > ${ASIDE_PATH}; echo done`), { program: 'cat', args: [] }], { aside: true });
    const out = await read(chain);
    expect((await chain.ended()).map((r) => r.status)).toEqual([0, 0]);
    expect(out).toBe('done\n');
    expect(gunzipSync(chain.aside()).toString()).toBe(Array.from({ length: 200_000 }, (_, i) => `${String(i + 1)}\n`).join(''));
    expect(() => startChain([sh('true')]).aside()).toThrow(/not connected/);
    expect(() => startChain([sh('true')], { aside: true, secret: 'x' })).toThrow(RangeError);
  });

  it('hands over a secret that is in no argument', async () => {
    const chain = startChain([{ program: 'cat', args: [SECRET_PATH] }, sh('cat; cat /proc/*/cmdline 2> /dev/null | grep -ac "never-in-argv-4[2]" >&2')], { secret: 'never-in-argv-42\n' });
    expect(await read(chain)).toBe('never-in-argv-42\n');
    expect((await chain.ended())[1]?.stderr).toBe('0');
  });
  it('starts nothing when a program is missing', () => {
    expect(() => startChain([{ program: 'touch', args: ['/nowhere/x'] }, { program: 'no-such-program', args: [] }])).toThrow(expect.objectContaining({ code: 'TOOL_MISSING' }) as Error);
  });
});
