import { createHash } from 'node:crypto';

/** Text as HTML text or the value of a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${String(c.charCodeAt(0))};`);

/** Bytes for a person, in binary units. */
export const formatSize = (n: number): string => (n < 2 ** 20 ? `${String(Math.ceil(n / 1024))} KiB` : n < 2 ** 30 ? `${(n / 2 ** 20).toFixed(n < 2 ** 20 * 10 ? 1 : 0)} MiB` : n < 2 ** 40 ? `${(n / 2 ** 30).toFixed(1)} GiB` : `${(n / 2 ** 40).toFixed(2)} TiB`);

/** Seconds for a person. */
export function formatTime(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${String(s)} s` : s < 3600 ? `${String(Math.floor(s / 60))} min ${String(s % 60)} s` : `${String(Math.floor(s / 3600))} h ${String(Math.floor((s % 3600) / 60))} min`;
}

/**
 * Colours of all pages, light and dark. Text on every ground has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3); what
 * colour says is said in words as well (1.4.1).
 */
const STYLE = `
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #c9d1d9; --panel: #f3f5f7; --good: #116329; --bad: #a40e26; --link: #0550ae;
  --fs: #cfe3ff; --swap: #ffe3b8; --boot: #d4f5d0; --layer: #e6dcff; --free: #eef0f2; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --text: #e8ebee; --soft: #a5afb9; --line: #444c56; --panel: #20252b; --good: #6fdd8b; --bad: #ff9a94; --link: #8cc2ff;
  --fs: #1d3f6e; --swap: #5a4213; --boot: #1d4d24; --layer: #423067; --free: #272d34; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 3rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p, ul, ol, dl { margin: .5rem 0; } a { color: var(--link); } li { margin: .25rem 0; }
code, pre, kbd { font: .9em/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; } code, kbd { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0 .3em; overflow-wrap: anywhere; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 30rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; } th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; } th { color: var(--soft); font-weight: 600; }
.nowrap { white-space: nowrap; } td.number, th.number { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; } .soft { color: var(--soft); } .good { color: var(--good); font-weight: 700; } .bad { color: var(--bad); font-weight: 700; }
.verdict { border: 2px solid currentColor; border-radius: 8px; padding: .7rem 1rem; margin: 1rem 0; } .verdict p { color: var(--text); font-weight: 400; margin: .3rem 0 0; } .verdict strong { font-size: 1.25rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; } dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
svg.map { width: 100%; height: auto; display: block; } svg.map text { fill: var(--text); font: 12px system-ui, "DejaVu Sans", sans-serif; } svg.map rect { stroke: var(--line); } svg.map .fs { fill: var(--fs); } svg.map .swap { fill: var(--swap); } svg.map .boot { fill: var(--boot); } svg.map .layer { fill: var(--layer); } svg.map .free { fill: var(--free); }
.bar { background: var(--fs); border: 1px solid var(--line); height: .8rem; min-width: 2px; border-radius: 2px; }
figure { margin: .8rem 0; } figure img { max-width: 100%; height: auto; border: 1px solid var(--line); } figcaption { color: var(--soft); font-size: .9rem; }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media (max-width: 36rem) { dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: .4rem; } }
@media print { :root { color-scheme: light; --ground: #fff; --text: #000; --soft: #333; --panel: #fff; --line: #999; } body { max-width: none; padding: 0; font-size: 9.5pt; line-height: 1.35; } h1 { font-size: 15pt; } h2 { font-size: 11.5pt; margin: 8pt 0 2pt; } details, .noprint { display: none; } pre { padding: 3pt; } table { font-size: 9pt; } th, td { padding: 1.5pt 6pt 1.5pt 0; } @page { margin: 12mm; } }
`;

/** A whole page without anything from elsewhere; `body` is HTML, `script` the only program that it may run. */
export function page(title: string, body: string, script = ''): string {
  const allowed = script === '' ? '' : ` script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';${allowed} style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>${script === '' ? '' : `\n<script>${script}</script>`}
</body>
</html>
`;
}

/** A list of facts; values are HTML. */
export const facts = (rows: readonly (readonly [string, string])[]): string => `<dl class="facts">\n${rows.map(([k, v]) => `<dt>${escapeHtml(k)}</dt><dd>${v}</dd>`).join('\n')}\n</dl>`;
