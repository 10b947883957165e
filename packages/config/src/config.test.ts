import { describe, expect, it } from 'vitest';
import { configJsonSchema, DEFAULT_CONFIG, parseConfig, parseSize } from './index.ts';

describe('configuration', () => {
  it('has defaults for everything', () => {
    expect(parseConfig('', 'f')).toEqual(DEFAULT_CONFIG);
    expect(DEFAULT_CONFIG.backup.compress).toBe('zstd');
  });
  it('names file, line and key of what is wrong', () => {
    expect(() => parseConfig('[backup]\nlevel = 99\n', 'c.toml')).toThrow(/c\.toml:2: backup\.level/);
    expect(() => parseConfig('[backup]\ncompres = "zstd"\n', 'c.toml')).toThrow(/c\.toml:2: unknown key backup\.compres/);
    expect(() => parseConfig('[backup\n', 'c.toml')).toThrow(/c\.toml:1:/);
  });
  it('publishes a JSON Schema', () => {
    expect(JSON.stringify(configJsonSchema())).toContain('exclude_mounts');
  });
  it('reads sizes', () => {
    expect(parseSize('700M')).toBe(700 * 1024 * 1024);
    expect(parseSize('cd')).toBe(736_960_512);
    expect(parseSize('4.5G')).toBe(4.5 * 1024 ** 3);
    for (const bad of ['', '-1', '0', 'x', '12Q']) expect(() => parseSize(bad)).toThrow(/not a size/);
  });
});
