import { escapeHtml, formatSize } from './html.js';

/** A part of a disk: bytes, a name, what it holds. */
export interface MapPart { readonly name: string; readonly what: string; readonly bytes: number }
/** A disk to be drawn. */
export interface MapDisk { readonly title: string; readonly bytes: number; readonly parts: readonly MapPart[] }

const WIDTH = 960;
const HEIGHT = 56;
/** Width below which a part has no room for words: they stand in the table beside it. */
const ROOM = 70;

const classOf = (p: MapPart): string => (p.what.startsWith('swap') ? 'swap' : /vfat|\/boot|BIOS boot/i.test(p.what + p.name) ? 'boot' : /volume group|raid\d|LUKS|array/i.test(p.what) ? 'layer' : p.what === '' ? 'free' : 'fs');

/** Words cut to what a box of so many pixels holds. */
const cut = (text: string, pixels: number): string => (text.length * 6.6 <= pixels - 10 ? text : `${text.slice(0, Math.max(1, Math.floor((pixels - 16) / 6.6)))}…`);

/** A disk as a bar with its parts; the smallest parts are drawn wider than they are, so that they can be seen. The same is said in its title. */
export function diskMapSvg(disk: MapDisk): string {
  const widths = disk.parts.map((p) => Math.max(14, (p.bytes / disk.bytes) * WIDTH));
  const all = widths.reduce((n, w) => n + w, 0);
  const free = Math.max(0, disk.bytes - disk.parts.reduce((n, p) => n + p.bytes, 0)) / disk.bytes;
  const scale = Math.min(1, (WIDTH * (free > 0.02 ? 1 - free * 0.9 : 1)) / all);
  let x = 0;
  const boxes = disk.parts.map((p, i) => {
    const w = (widths[i] as number) * scale;
    const label = w < ROOM ? '' : `<text x="${(x + 5).toFixed(1)}" y="22">${escapeHtml(cut(p.what || p.name, w))}</text><text x="${(x + 5).toFixed(1)}" y="42">${escapeHtml(cut(formatSize(p.bytes), w))}</text>`;
    const box = `<rect class="${classOf(p)}" x="${x.toFixed(1)}" y="1" width="${w.toFixed(1)}" height="${String(HEIGHT - 2)}"><title>${escapeHtml(`${p.name}: ${p.what}, ${formatSize(p.bytes)}`)}</title></rect>${label}`;
    x += w;
    return box;
  });
  if (WIDTH - x > 2) boxes.push(`<rect class="free" x="${x.toFixed(1)}" y="1" width="${(WIDTH - x).toFixed(1)}" height="${String(HEIGHT - 2)}"><title>not used</title></rect>${WIDTH - x > ROOM ? `<text x="${(x + 5).toFixed(1)}" y="22">not used</text>` : ''}`);
  const words = `${disk.title}, ${formatSize(disk.bytes)}: ${disk.parts.map((p) => `${p.name} ${p.what} ${formatSize(p.bytes)}`).join('; ')}`;
  return `<svg class="map" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${escapeHtml(words)}">${boxes.join('')}</svg>`;
}
