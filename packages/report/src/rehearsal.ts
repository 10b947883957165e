import { escapeHtml, facts, formatSize, formatTime, page } from './html.js';
import { diskMapSvg, type MapDisk } from './map.js';

/** What the page of a rehearsal shows; the same as in rehearsal.json, with pictures and logs. */
export interface RehearsalPage {
  readonly verdict: 'PASS' | 'FAIL';
  readonly host: string;
  readonly label: string;
  readonly setId: string;
  /** ISO 8601. */
  readonly created: string;
  readonly accelerator: string;
  readonly firmware: string;
  readonly bus: string;
  readonly memoryMiB: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly stages: readonly { readonly title: string; readonly seconds: number; readonly verdict: 'PASS' | 'FAIL' | 'SKIP'; readonly reason: string }[];
  readonly volumes: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly maps: readonly { readonly before: MapDisk; readonly after: MapDisk }[];
  readonly checkedFiles: number;
  readonly differences: readonly string[];
  readonly remarks: readonly string[];
  readonly injected: readonly string[];
  readonly system: { readonly state: string; readonly target: string; readonly kernel: string; readonly failedUnits: readonly string[]; readonly retriedUnits: readonly string[]; readonly mounted: readonly string[]; readonly missing: readonly string[]; readonly swap: boolean | undefined } | undefined;
  readonly screenshots: readonly { readonly title: string; readonly png: Buffer }[];
  readonly logs: readonly { readonly title: string; readonly text: string }[];
}

const word = { PASS: '<span class="good">PASS</span>', FAIL: '<span class="bad">FAIL</span>', SKIP: '<span class="soft">not reached</span>' } as const;
const list = (items: readonly string[]): string => `<ul>${items.map((i) => `<li><code>${escapeHtml(i)}</code></li>`).join('')}</ul>`;
/** What a terminal would not have shown: escapes, carriage returns, other control characters. */
// eslint-disable-next-line no-control-regex -- those are what must go
const readable = (text: string): string => text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1bc/g, '').replace(/\r/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '');

/** The report of a rehearsal as one self-contained page: verdict first, then what it rests on. No script. */
export function rehearsalPage(r: RehearsalPage): string {
  const failed = r.stages.find((s) => s.verdict === 'FAIL');
  const total = r.stages.reduce((n, s) => n + s.seconds, 0);
  const longest = Math.max(1, ...r.stages.map((s) => s.seconds));
  const stages = r.stages.map((s) => `<tr><td>${escapeHtml(s.title)}${s.verdict === 'FAIL' ? `<br><span class="bad">${escapeHtml(s.reason)}</span>` : ''}</td><td class="nowrap">${word[s.verdict]}</td><td class="number">${formatTime(s.seconds)}</td><td style="width:30%"><div class="bar" style="width:${((100 * s.seconds) / longest).toFixed(1)}%"></div></td></tr>`).join('\n');
  const maps = r.maps.map((m) => `<h3>${escapeHtml(m.before.title)}</h3><p class="soft">as it was, ${formatSize(m.before.bytes)}</p>${diskMapSvg(m.before)}<p class="soft">in the rehearsal, ${formatSize(m.after.bytes)}</p>${diskMapSvg(m.after)}`).join('\n');
  const s = r.system;
  return page(`Rehearsal of ${r.host}: ${r.verdict}`, `
<h1>Rehearsal of the recovery of ${escapeHtml(r.host)}</h1>
<div class="verdict ${r.verdict === 'PASS' ? 'good' : 'bad'}"><strong>${r.verdict}</strong>
<p>${r.verdict === 'PASS' ? `The set <code>${escapeHtml(r.label)}</code> brought this machine back in a virtual machine: ${String(r.checkedFiles)} files equal, and the restored disks boot without the medium.` : `${escapeHtml(failed?.title ?? 'A stage')}: ${escapeHtml(failed?.reason ?? 'failed')}`}</p></div>
${facts([
    ['Set', `${escapeHtml(r.label)} <span class="soft">${escapeHtml(r.setId)}</span>`], ['Rehearsed', escapeHtml(r.created)],
    ['Virtual machine', escapeHtml(`${r.accelerator === 'kvm' ? 'KVM' : 'emulated (no KVM)'}, ${r.firmware}, disks as ${r.bus}, ${String(r.memoryMiB)} MiB of memory`)],
    ['Programs', escapeHtml(Object.entries(r.versions).map(([k, v]) => `${k} ${v}`).join(', '))],
  ])}
<h2>Stages</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Stages of the rehearsal"><table>
<thead><tr><th scope="col">Stage</th><th scope="col" class="nowrap">Verdict</th><th scope="col" class="number">Time</th><th scope="col"><span class="soft">Share of the time</span></th></tr></thead>
<tbody>
${stages}
</tbody></table></div>
<p>In all ${formatTime(total)}: the recovery time to expect${r.accelerator === 'kvm' ? ', apart from the speed of the real disks and drives' : ' is shorter on real hardware: this processor was emulated, which takes several times as long'}.</p>
${maps === '' ? '' : `<h2>Disks</h2>\n${maps}`}
${s === undefined ? '' : `<h2>What the restored system said</h2>
${facts([['State', escapeHtml(s.state)], ['Target', escapeHtml(s.target)], ['Kernel', escapeHtml(s.kernel)], ['Failed units', s.failedUnits.length === 0 ? 'none' : list(s.failedUnits)], ...(s.retriedUnits.length > 0 ? [['Failed at first, well when started again', list(s.retriedUnits)] as const] : []), ['Mounted as in fstab', s.mounted.map((m) => `<code>${escapeHtml(m)}</code>`).join(' ') || 'nothing'], ...(s.missing.length > 0 ? [['Not mounted', `<span class="bad">${escapeHtml(s.missing.join(', '))}</span>`] as const] : []), ['Swap', s.swap === undefined ? 'none in fstab' : s.swap ? 'in use' : '<span class="bad">not in use</span>']])}`}
<h2>Files</h2>
<p>${String(r.checkedFiles)} files compared with the archives (content, type, mode, owner, time, links): ${String(r.differences.length)} differences.</p>
${r.differences.length === 0 ? '' : list(r.differences.slice(0, 200))}
${r.remarks.length === 0 ? '' : `<h3>Remarks of the restore</h3>${list(r.remarks)}`}
${r.screenshots.length === 0 ? '' : `<h2>Screens</h2>\n${r.screenshots.map((p) => `<figure><img alt="${escapeHtml(`Screen: ${p.title}`)}" src="data:image/png;base64,${p.png.toString('base64')}"><figcaption>${escapeHtml(p.title)}</figcaption></figure>`).join('\n')}`}
<h2>Volumes</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Volumes of the set"><table>
<thead><tr><th scope="col">Volume</th><th scope="col" class="number">Size</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${r.volumes.map((v) => `<tr><td><code>${escapeHtml(v.name)}</code></td><td class="number">${formatSize(v.bytes)}</td><td><code>${escapeHtml(v.sha256)}</code></td></tr>`).join('')}</tbody></table></div>
<h2>How it was done</h2>
<p>The set was only read. On the throw-away disks, besides what a restore does, these files were put into the restored system, so that it could say how it is: ${r.injected.map((i) => `<code>${escapeHtml(i)}</code>`).join(', ')}.</p>
${r.logs.map((l) => `<details><summary>Log: ${escapeHtml(l.title)}</summary><pre tabindex="0">${escapeHtml(readable(l.text))}</pre></details>`).join('\n')}
`);
}
