// `cdrec rehearse` as an ordinary user, as every rehearsal of the end-to-end cases is run.
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

const NOBODY = 65534;
export const bundle = join(process.cwd(), 'apps/cdrec/dist/bundle');
export const cli = join(bundle, 'cdrec.mjs');

/** Rehearses volumes with flags, in a directory (not below /root) where NAME-work and NAME-report are made; what the program said, its report, its seconds. */
export async function rehearseAsNobody(dir, name, volumes, flags = []) {
  const work = join(dir, `${name}-work`);
  const report = join(dir, `${name}-report`);
  for (const d of [work, report]) {
    rmSync(d, { recursive: true, force: true });
    mkdirSync(d, { recursive: true, mode: 0o777 });
    chmodSync(d, 0o777);
  }
  const copy = join(dir, 'bundle');
  cpSync(bundle, copy, { recursive: true });
  const node = join(dir, 'node');
  cpSync(process.execPath, node);
  const stamp = () => volumes.map((v) => `${statSync(v).mtimeMs} ${statSync(v).size}`).join();
  const before = stamp();
  const started = Date.now();
  const { exitCode, stdout } = await execa(node, ['--no-warnings', join(copy, 'cdrec.mjs'), 'rehearse', ...volumes, '--work', work, '--report', report, '--memory', '1G', ...flags], { cwd: '/', uid: NOBODY, gid: NOBODY, reject: false, stdio: ['ignore', 'pipe', 'inherit'], env: { HOME: '/nonexistent' } });
  const seconds = Math.round((Date.now() - started) / 1000);
  if (stamp() !== before) throw new Error('the set was changed');
  if (readdirSync(work).some((n) => n.startsWith('disk-'))) throw new Error('disks were left behind');
  const json = JSON.parse(readFileSync(join(report, 'rehearsal.json'), 'utf8'));
  const html = readFileSync(join(report, 'rehearsal.html'), 'utf8');
  if (!html.includes(`<strong>${json.verdict}</strong>`) || /src="(?!data:)|href="(?!data:)/.test(html)) throw new Error('the page is not what it should be');
  if (process.env.CDREC_KEEP_REPORTS !== undefined) cpSync(report, join(process.env.CDREC_KEEP_REPORTS, name), { recursive: true });
  console.log(`${name}: ${stdout.trim()} (${seconds} s)`);
  return { exitCode, stdout, json, html, report, seconds };
}
