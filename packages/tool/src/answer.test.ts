import { describe, expect, it } from 'vitest';
import { endsWithin, requireAnswer } from './index.ts';

describe('a program', () => {
  it('has so many seconds, however it ends', async () => {
    expect(await endsWithin(10, 'false')).toBe(true);
    expect(await endsWithin(1, 'sleep', '60')).toBe(false);
  });
});

describe('a path', () => {
  it('that is there, is not, or cannot be, answers', async () => {
    await expect(requireAnswer([])).resolves.toBeUndefined();
    await expect(requireAnswer(['/', '/nowhere/at all', '/etc/passwd/x', '-x', "/it's $HOME"])).resolves.toBeUndefined();
  });
});
