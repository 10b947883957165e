import { escapeHtml, formatSize, page } from './html.js';

/** A machine, as a row of the page. Sizes in bytes, times in ISO 8601. */
export interface FleetRow {
  readonly host: string;
  readonly label: string;
  readonly created: string;
  readonly ageDays: number;
  readonly contentBytes: number;
  readonly addedBytes: number;
  readonly rehearsal: string;
  readonly drift: number | undefined;
  readonly attention: readonly string[];
}

/** Sorting and search: the table is whole without it. Values to sort by stand in `data-v`. */
const SCRIPT = `
const table = document.querySelector('table');
const body = table.tBodies[0];
const rows = [...body.rows];
const shown = document.getElementById('shown');
const search = document.getElementById('search');
const attention = document.getElementById('attention');
const texts = rows.map((r) => r.textContent.toLowerCase());
function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let n = 0;
  rows.forEach((r, i) => {
    const yes = words.every((w) => texts[i].includes(w)) && (!attention.checked || r.classList.contains('attention'));
    r.hidden = !yes;
    if (yes) n++;
  });
  shown.textContent = n + ' of ' + rows.length + ' machines';
}
search.addEventListener('input', filter);
attention.addEventListener('change', filter);
document.querySelector('.tools').hidden = false;
filter();
table.querySelectorAll('th').forEach((th, column) => {
  const button = document.createElement('button');
  button.textContent = th.textContent;
  th.textContent = '';
  th.append(button);
  button.addEventListener('click', () => {
    const down = th.getAttribute('aria-sort') === 'ascending';
    table.querySelectorAll('th').forEach((t) => t.removeAttribute('aria-sort'));
    th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = (r) => r.cells[column].dataset.v ?? r.cells[column].textContent;
    const compare = (a, b) => { const x = key(a), y = key(b); return x !== '' && y !== '' && !isNaN(x) && !isNaN(y) ? x - y : x.localeCompare(y); };
    rows.slice().sort((a, b) => (down ? -1 : 1) * compare(a, b)).forEach((r) => body.append(r));
  });
});
`;

const STYLE = `<style>.tools{display:flex;gap:1rem;flex-wrap:wrap;align-items:center;margin:.5rem 0}.tools[hidden]{display:none}th button{all:unset;cursor:pointer;font-weight:inherit}th button:focus-visible{outline:2px solid}th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}#search{font:inherit;padding:.3rem .5rem;min-width:16rem}</style>`;

/** The machines of a repository as one page that needs nothing else: it can be searched and sorted, and read without scripts. */
export function fleetPage({ where, made, rows }: { readonly where: string; readonly made: string; readonly rows: readonly FleetRow[] }): string {
  const bad = rows.filter((r) => r.attention.length > 0);
  const cell = (text: string, value?: string | number, kind = ''): string => `<td${kind === '' ? '' : ` class="${kind}"`}${value === undefined ? '' : ` data-v="${escapeHtml(String(value))}"`}>${text}</td>`;
  const line = (r: FleetRow): string => `<tr${r.attention.length > 0 ? ' class="attention"' : ''}><th scope="row">${escapeHtml(r.host)}</th>${cell(escapeHtml(r.created.slice(0, 16).replace('T', ' ')), Date.parse(r.created))}${cell(`${r.ageDays.toFixed(1)} d`, r.ageDays, 'number')}${cell(formatSize(r.contentBytes), r.contentBytes, 'number')}${cell(formatSize(r.addedBytes), r.addedBytes, 'number')}${cell(`<span class="${r.rehearsal.startsWith('PASS') ? 'good' : 'bad'}">${escapeHtml(r.rehearsal)}</span>`)}${cell(r.drift === undefined ? '<span class="soft">not said</span>' : r.drift === 0 ? 'none' : `<span class="bad">${String(r.drift)}</span>`, r.drift ?? -1, 'number')}${cell(escapeHtml(r.attention.join('; ')))}</tr>`;
  return page(`Fleet: ${String(rows.length)} machines`, `${STYLE}
<h1>${String(rows.length)} machines, ${bad.length === 0 ? '<span class="good">all well</span>' : `<span class="bad">${String(bad.length)} need attention</span>`}</h1>
<p class="soft">${where === '' ? '' : `Repository <code>${escapeHtml(where)}</code>, `}state of ${escapeHtml(made.slice(0, 16).replace('T', ' '))} UTC. Ages are those of the newest sets.</p>
<div class="tools" hidden><label>Search <input id="search" type="search"></label><label><input id="attention" type="checkbox"> only those that need attention</label><span id="shown" role="status"></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="Machines"><table>
<thead><tr>${['Machine', 'Newest set', 'Age', 'Content', 'Added', 'Rehearsal', 'Drift', 'Attention'].map((h, i) => `<th scope="col"${i >= 2 && i <= 4 ? ' class="number"' : ''}>${h}</th>`).join('')}</tr></thead>
<tbody>
${rows.map(line).join('\n')}
</tbody></table></div>
`, SCRIPT);
}
