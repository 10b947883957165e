import { describe, expect, it, vi } from 'vitest';
import { findProgram, runTool, startChain } from './index.ts';

describe('runTool', () => {
  it('returns output and passes arguments as they are', async () => {
    expect((await runTool('printf', ['%s|', 'a b', '$HOME', '*'])).stdout).toBe('a b|$HOME|*|');
    expect((await runTool('cat', [], { input: 'in' })).stdout).toBe('in');
  });
  it('keeps the habits of whoever calls from the programs, alone or in a chain', async () => {
    vi.stubEnv('TAR_OPTIONS', '--exclude=*.test.ts');
    vi.stubEnv('BASH_ENV', '/no/such/file');
    vi.stubEnv('CDREC_TEST', 'there');
    try {
      const names = (text: string): string[] => text.split('\n').map((l) => l.split('=')[0] as string).filter((n) => /^(TAR_OPTIONS|BASH_ENV|CDREC_TEST)$/.test(n));
      expect(names((await runTool('env', [])).stdout)).toEqual(['CDREC_TEST']);
      const chain = startChain([{ program: 'env', args: [] }]);
      let said = '';
      for await (const part of chain.stdout) said += String(part);
      expect([names(said), (await chain.ended())[0]?.stderr]).toEqual([['CDREC_TEST'], '']);
      expect((await runTool('bash', ['-c', 'tar -c "$1" | tar -t', 'x', import.meta.filename])).stdout).toContain('run.test.ts');
    } finally {
      vi.unstubAllEnvs();
    }
  });
  it('types its errors', async () => {
    await expect(runTool('no-such-program-here', [])).rejects.toMatchObject({ code: 'TOOL_MISSING', hint: expect.stringContaining('apt install') as string });
    await expect(runTool('ls', ['/no/such/file'])).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('No such file') as string });
    expect((await runTool('false', [], { ok: [0, 1] })).status).toBe(1);
    await expect(runTool('sleep', ['30'], { timeout: 50 })).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('timed out') as string });
  });
  it('finds programs outside of PATH in the system directories', () => {
    expect(findProgram('ls', '/nowhere')).toMatch(/bin\/ls$/);
    expect(findProgram('ls', '/nowhere', true)).toBeUndefined();
  });
});
