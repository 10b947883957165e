import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importConfig, parseConfig, parseShell, VARIABLES, type Imported } from './index.ts';

const fixture = (name: string): string => readFileSync(new URL(`../test/imports/${name}`, import.meta.url), 'utf8');

/** Every line of the file lies in exactly one statement, in order. */
function expectWhole(text: string, items: readonly { line: number; endLine: number }[]): void {
  const lines = text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n').length;
  const starts = items.filter((it, i) => i === 0 || it.line !== items[i - 1]?.line);
  let next = 1;
  for (const s of starts) {
    expect(s.line).toBe(next);
    next = s.endLine + 1;
  }
  expect(next - 1).toBeGreaterThanOrEqual(text === '' ? 0 : lines);
}
const outcome = ({ items }: Imported, variable: string): string[] => items.filter((i) => new RegExp(`(^|[;\\s])${variable}\\+?=`).test(i.text)).map((i) => i.outcome);

describe('shell files', () => {
  it('are read like a shell reads them', () => {
    const items = parseShell('A=1; B="x y"  # remark\nC=\'$A\'"$A"\nexport D=$A/b\nE=(a "b c" $B \'d\')\nE+=(e)\nF=$(date)\nG=${H:-x}\nif true; then\n  I=1\nfi\nJ="a\nb\\"c"\nK=1 command\nL=a\\\nb\n');
    const value = (name: string) => items.find((i) => i.name === name);
    expect(value('A')?.words).toEqual(['1']);
    expect(value('B')?.words).toEqual(['x y']);
    expect(value('C')?.words).toEqual(['$A1']);
    expect(value('D')?.words).toEqual(['1/b']);
    expect(value('E')?.words).toEqual(['a', 'b c', 'x y', 'd']);
    expect(items.filter((i) => i.name === 'E')[1]).toMatchObject({ append: true, words: ['e'] });
    expect(value('F')?.depends).toEqual(['$(date)']);
    expect(value('G')?.depends).toEqual(['${H:-x}']);
    expect(value('I')?.conditional).toBe(true);
    expect(value('J')).toMatchObject({ line: 11, endLine: 12, words: ['a\nb"c'] });
    expect(value('K')).toBeUndefined();
    expect(value('L')?.words).toEqual(['ab']);
  });
  it('never lose a line, whatever stands in them', () => {
    const piece = fc.constantFrom('A=', 'B+=', '(', ')', '"', "'", '$A', '${A[@]}', '`', '$(', ' ', '\n', '\r\n', '#', '\\', 'if x; then', 'fi', 'f () {', '}', '<<E', 'E', ';', 'x', 'export ', '=', '&&');
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      expectWhole(text, parseShell(text));
    }), { numRuns: 5_000 });
  });
  it('do not blow up', () => {
    let text = 'A=xxxxxxxxxxxxxxxx\n';
    for (let i = 0; i < 60; i++) text += 'A="$A$A"\nB="$B$A$A"\nC="$B$B"\nB="$C$C"\n';
    expect(parseShell(text).length).toBe(241);
    let lists = 'A=(a b)\n';
    for (let i = 0; i < 30; i++) lists += 'B=("${A[@]}" "${A[@]}")\nA=("${B[@]}" "${B[@]}")\n';
    expect(parseShell(lists).some((i) => (i.words ?? []).length > 1 << 13)).toBe(false);
    for (const line of ['cat <<X\n', 'A="\n', 'A=(\'x\n', 'A=$(\n', 'A=${\n', 'A=`\n', 'if x; then\n', 'A=(\n']) expect(parseShell(line.repeat(5_000)).length).toBeGreaterThan(0);
  });
});

describe('import', () => {
  it('of Config.sh as mkCDrec delivered it: an account of every line', () => {
    const text = fixture('Config.sh');
    const result = importConfig(text, 'Config.sh');
    expect(result.source).toBe('mkcdrec');
    expectWhole(text, result.items);
    for (const item of result.items) if (item.outcome !== 'comment') expect(item.why, item.text).not.toBe('');
    // Every variable of the table is in the file, and none of the file's is unknown.
    for (const v of VARIABLES.filter((x) => x.source === 'mkcdrec')) expect(text, v.name).toMatch(new RegExp(`^[#\\s]*(.*; )?${v.name}=`, 'm'));
    expect(result.items.filter((i) => i.why.includes('is not known here'))).toEqual([]);
    const config = parseConfig(result.toml, 'imported');
    expect(config.backup).toMatchObject({ compress: 'gzip', level: 9, exclude: ['/var/spool/squid/*', '/tmp/*', '/var/tmp/*', '/proc/*'] });
    expect(config.output).toMatchObject({ directory: '/var/tmp/isodir', tapes: ['/dev/nst0'], burn: '', burn_speed: 4, burn_erase: true });
    expect(config.rescue.add_modules).toEqual(['loop', 'scsi_mod', 'sd_mod', 'sr_mod', 'sg', 'st', 'e100', 'e1000', 'tg3', 'usbcore', 'ehci-hcd', 'isofs']);
    expect(config.rescue.files).toEqual(['/etc/hosts', '/etc/services', '/opt/tivoli/tsm', '/opt/omni']);
    expect(outcome(result, 'MAXCDSIZE')).toEqual(['by-hand', 'by-hand']);
    expect(outcome(result, 'Disable_SELinux_during_backup')).toEqual(['dropped']);
  });
  it('of mkcdrec.conf', () => {
    const config = parseConfig(importConfig(fixture('mkcdrec.conf'), 'mkcdrec.conf').toml, 'imported');
    expect(config.backup).toMatchObject({ compress: 'bzip2', level: 6, pre_exec: '/etc/init.d/mysql stop', post_exec: '/etc/init.d/mysql start', exclude: ['/data/scratch', '/data/spool/*'] });
    expect(config.output).toMatchObject({ directory: '/export/iso', volume_size: '4248M', burn: '/dev/sr1' });
    expect(config.rescue).toMatchObject({ exclude_modules: ['qla2xxx', 'lpfc'], serial: 'ttyS1,38400', kernel_append: 'cdrec.auto=restore' });
    expect(config.restore.fixed).toEqual(['/boot', 'vg00/swap']);
  });
  it('of ReaR\'s local.conf: an account of every line', () => {
    const text = fixture('local.conf');
    const result = importConfig(text, 'local.conf');
    expect(result.source).toBe('rear');
    expectWhole(text, result.items);
    const config = parseConfig(result.toml, 'imported');
    expect(config.output).toMatchObject({ mode: 'path', directory: '/mnt/backup', volume_size: '4500M', label: '' });
    expect(config.backup).toMatchObject({ compress: 'zstd', exclude: ['/media', '/var/tmp/*', '/var/crash', '/srv/cache/*'], exclude_mounts: ['/data'] });
    expect(config.rescue).toMatchObject({ modules: 'all', add_modules: ['vmxnet3', 'hv_netvsc'], kernel_append: 'net.ifnames=0 console=ttyS0,115200', files: ['/opt/agent', '/etc/agent.conf'], programs: ['tmux', 'smartctl'], keymap: 'de-latin1', network: 'dhcp' });
    expect(config.rescue.post_exec).toBe('if test -s "$CDREC_ROOT/etc/agent.conf" ; then touch $CDREC_ROOT/.restored ; fi');
    expect(result.toml).not.toContain('/never');
    for (const name of ['SSH_ROOT_PASSWORD', 'ONLY_INCLUDE_VG', 'GRUB_RESCUE', 'SECRET_OF_THE_HOUSE', 'ISO_PREFIX', 'COPY_AS_IS']) expect(outcome(result, name), name).toContain('by-hand');
    for (const name of ['BACKUP_TYPE', 'FULLBACKUPDAY', 'TMPDIR']) expect(outcome(result, name), name).toEqual(['dropped']);
    expect(outcome(result, 'AUTOEXCLUDE_MULTIPATH')).toEqual(['same']);
    expect(JSON.stringify(result)).not.toContain('abcdefgh'); // the hash of a password
  });
  it('knows each URL that ReaR writes to', () => {
    const to = (url: string) => parseConfig(importConfig(`OUTPUT=ISO\nBACKUP=NETFS\nBACKUP_URL=${url}\n`, 'f').toml, 'f').output;
    expect(to('file:///mnt/nas/rear').directory).toBe('/mnt/nas/rear');
    expect(to('iso:///backup').mode).toBe('iso');
    expect(to('tape:///dev/nst0')).toMatchObject({ mode: 'tape', tapes: ['/dev/nst0'] });
    expect(to('cifs://server/share')).toMatchObject({ mode: 'path', directory: '/mnt/backup' });
    expect(importConfig('OUTPUT=ISO\nBACKUP=NETFS\nBACKUP_URL=usb:///dev/sdb1\n', 'f').items[2]?.why).toContain('cdrec burn --usb');
  });
  it('of what is neither: an error', () => {
    expect(() => importConfig('FOO=1\n', 'f')).toThrow(/sets no variable of mkCDrec or ReaR/);
    expect(importConfig('FOO=1\n', 'f', 'rear').items[0]?.outcome).toBe('by-hand');
  });
  it('gives a valid configuration or an error of its own, whatever the values are', () => {
    const word = fc.oneof(fc.constantFrom('y', 'n', '1', '0', '/x', 'ISO', 'NETFS', 'nfs://h/p', '4500', 'xz', '-9', 'all_modules'), fc.string({ maxLength: 12 }).map((t) => t.replace(/[^\x20-\x7e]/g, '')));
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...VARIABLES), word, fc.boolean()), { minLength: 1, maxLength: 12 }), fc.constantFrom('mkcdrec' as const, 'rear' as const), (set, from) => {
      const quoted = (w: string) => `'${w.replaceAll('\'', '')}'`;
      const text = set.map(([v, w, list]) => (list ? `${v.name}=(${quoted(w)})` : `${v.name}=${quoted(w)}`)).join('\n');
      try {
        parseConfig(importConfig(text, 'f', from).toml, 'f');
      } catch (error) {
        expect((error as { code?: string }).code).toBe('IMPORT_INVALID');
      }
    }), { numRuns: 3_000 });
  });
});
