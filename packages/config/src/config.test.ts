import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { CONFIG_KEYS, configJsonSchema, configTemplate, DEFAULT_CONFIG, effectiveConfig, parseConfig, parseSize, tomlValue } from './index.ts';

describe('configuration', () => {
  it('has defaults for everything', () => {
    expect(parseConfig('', 'f')).toEqual(DEFAULT_CONFIG);
    expect(DEFAULT_CONFIG.backup.compress).toBe('zstd');
  });
  it('names file, line and key of what is wrong', () => {
    expect(() => parseConfig('[backup]\nlevel = 99\n', 'c.toml')).toThrow(/c\.toml:2:9: backup\.level/);
    expect(() => parseConfig('[backup]\ncompres = "zstd"\n', 'c.toml')).toThrow(/c\.toml:2:1: unknown key backup\.compres/);
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
  it('its template is the defaults, and stays valid with every line in force', () => {
    const template = configTemplate();
    expect(parseConfig(template, 't')).toEqual(DEFAULT_CONFIG);
    const all = template.replaceAll(/^#(\w+ = )/gm, '$1');
    expect(parseConfig(all, 't')).toEqual({ ...DEFAULT_CONFIG, backup: { ...DEFAULT_CONFIG.backup, level: 3 } });
    expect(all.match(/^\w+ = /gm)?.length).toBe(CONFIG_KEYS.length);
    for (const line of template.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
  it('tells where a value comes from', () => {
    const keys = effectiveConfig('[backup]\n\nlevel = 5\n[restore]\nweights = { "/home" = 2 }\n');
    if ('problems' in keys) throw new Error('it is right');
    const of = (path: string) => keys.find((k) => k.key.path === path);
    expect(of('backup.level')).toMatchObject({ value: 5, line: 3 });
    expect(of('restore.weights')).toMatchObject({ value: { '/home': 2 }, line: 5 });
    expect(of('backup.compress')?.value).toBe('zstd');
    expect(of('backup.compress')).not.toHaveProperty('line');
  });
  it('writes values that TOML reads back', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }).filter((t) => Buffer.from(t).toString() === t), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 4 }));
    fc.assert(fc.property(value, (v) => {
      const key = typeof v === 'string' ? 'backup.pre_exec' : typeof v === 'number' ? 'boot.timeout' : typeof v === 'boolean' ? 'backup.snapshot' : 'rescue.programs';
      const [section, name] = key.split('.') as [string, string];
      const given = typeof v === 'number' ? Math.abs(v) % 3600 : v;
      const config = parseConfig(`[${section}]\n${name} = ${tomlValue(given)}\n`, 'f') as unknown as Record<string, Record<string, unknown>>;
      expect(config[section]?.[name]).toEqual(given);
    }));
    expect(parseConfig(`[restore]\nweights = ${tomlValue({ '/home': 2, 'a b"c': 0.5 })}\n`, 'f').restore.weights).toEqual({ '/home': 2, 'a b"c': 0.5 });
  });
});

describe('the examples in docs/', () => {
  const directory = new URL('../../../docs/examples/', import.meta.url);
  it.each(readdirSync(directory).filter((n) => n.endsWith('.toml')))('%s is right', (name) => {
    const config = parseConfig(readFileSync(new URL(name, directory), 'utf8'), name);
    expect(config).not.toEqual(DEFAULT_CONFIG);
  });
});
