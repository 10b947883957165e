import { stat } from 'node:fs/promises';
import { describeLayer, parseSurvey } from '@cdrec/survey';
import { volumeLabel } from '@cdrec/volumes';
import { describeImage, inspectImage, isPlainImage, type InspectedImage } from '../images.js';
import { EXIT } from '../exit.js';
import { findSet } from '../sets.js';
import { formatBytes, type Terminal } from '../terminal.js';

/** Whether the format checker has something to say of a place: ISO files and devices, not directories. */
const isImage = async (path: string): Promise<boolean> => !(await stat(path)).isDirectory();

/** `cdrec inspect`: what a set or an ISO image holds, and whether it keeps the rules of its format. */
export async function inspect([volumes]: [string[]], flags: { json?: boolean; content?: boolean; notes?: boolean }, terminal: Terminal): Promise<number> {
  const checks = { content: flags.content === true, notes: flags.notes === true };
  const verdict = (images: readonly InspectedImage[]): number => (images.some((i) => i.findings.some((f) => f.severity === 'error')) ? EXIT.exceptions : EXIT.ok);
  if (volumes.length > 0 && (await Promise.all(volumes.map(isPlainImage))).every((plain) => plain)) {
    const images: InspectedImage[] = [];
    for (const path of volumes) images.push(await inspectImage(path, checks));
    if (flags.json === true) terminal.print(JSON.stringify(images));
    else for (const image of images) for (const line of describeImage(image)) terminal.print(line);
    return verdict(images);
  }
  const { set } = await findSet(volumes);
  try {
    const { manifest } = set;
    if (flags.json === true) {
      terminal.print(JSON.stringify(manifest));
      return EXIT.ok;
    }
    terminal.print(`${manifest.label}  set ${manifest.setId}\nof ${manifest.host}, made ${manifest.created}`);
    const first = set.volumes.get(1);
    if (first !== undefined && manifest.mode !== 'path') {
      const survey = parseSurvey((await first.readFile('cdrec/survey.json')).toString('utf8'));
      terminal.print(`${survey.host.os}, kernel ${survey.boot.kernel.version}, ${survey.boot.firmware}`);
      for (const d of survey.disks.filter((x) => x.used)) terminal.print(`disk ${d.device}  ${formatBytes(d.bytes)}  ${d.table?.type ?? 'no table'}  ${d.model} ${d.serial}`.trimEnd());
      for (const l of survey.layers) terminal.print(`  ${describeLayer(l)}`);
      for (const f of survey.fileSystems) terminal.print(`  ${f.mount}  ${f.type} on ${f.device}  ${formatBytes(f.usedBytes)} of ${formatBytes(f.bytes)}`);
    }
    const images: InspectedImage[] = [];
    for (const [n, v] of [...set.volumes].sort(([a], [b]) => a - b)) {
      terminal.print(`volume ${volumeLabel(set.label, n)}  ${v.path}`);
      if (!(await isImage(v.path))) continue;
      const image = await inspectImage(v.path, checks);
      images.push(image);
      for (const line of describeImage(image).slice(1)) terminal.print(`  ${line}`);
    }
    for (const m of set.missing) terminal.print(`volume ${m}  MISSING`);
    for (const a of manifest.archives) terminal.print(`archive ${a.name}  ${a.mount}  ${formatBytes(a.bytes)} in ${String(a.pieces.length)} pieces${a.exceptions.length > 0 ? `, ${String(a.exceptions.length)} exceptions` : ''}`);
    return verdict(images);
  } finally {
    await set.close();
  }
}
