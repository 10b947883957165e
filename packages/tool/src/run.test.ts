import { describe, expect, it } from 'vitest';
import { findProgram, runTool } from './index.ts';

describe('runTool', () => {
  it('returns output and passes arguments as they are', async () => {
    expect((await runTool('printf', ['%s|', 'a b', '$HOME', '*'])).stdout).toBe('a b|$HOME|*|');
    expect((await runTool('cat', [], { input: 'in' })).stdout).toBe('in');
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
