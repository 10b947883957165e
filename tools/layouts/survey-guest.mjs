// Runs in a restored system, bundled: compares its survey with the one in the set that it was restored from, and says every difference on the serial line.
// usage: node survey-guest.mjs SURVEY.json same|other      (other: the disks have other sizes)
import { readFileSync } from 'node:fs';
import { driftOf, parseSurvey, readSurvey } from '@cdrec/survey';
import { differences, essence } from './essence.mjs';

const [file, size] = process.argv.slice(2);
const say = (text) => process.stdout.write(`\r\nSURVEY ${text}\r\n`);
try {
  const before = parseSurvey(readFileSync(file, 'utf8'));
  const now = await readSurvey({ path: process.env.PATH, now: Date.now() });
  /** Disks by what lies on them, whatever they are called and wherever they are attached: the names of the new ones become those of the old ones. */
  const used = (s) => s.disks.filter((d) => d.used);
  const names = new Map();
  const rest = [...used(now)];
  for (const [i, old] of used(before).entries()) {
    const at = old.table === undefined ? i : rest.findIndex((d) => d?.table?.id === old.table.id);
    if (rest[at] !== undefined) names.set(rest.splice(at, 1, undefined)[0].device, old.device);
  }
  const renamed = (s, map) => JSON.parse(JSON.stringify(s).replace(/(\/dev\/(?:nvme\d+n\d+|[vs]d[a-z]+))(?:p?(\d+))?/g, (all, disk, part) => `${map.get(disk) ?? disk}${part === undefined ? '' : part}`));
  // Sizes: those of another disk are others. What is counted from them (inodes, groups) is too.
  const sized = (x) => (size === 'same' ? x : JSON.parse(JSON.stringify(x, (key, value) => (typeof value === 'number' && /^(start|sectors|bytes|startBytes|firstLba|lastLba|metadataBytes)$/.test(key) ? 0 : value))));
  const plain = (s) => sized({ ...s, disks: used(s).map((d) => ({ ...d, serial: '', wwn: '', bytes: 0, transport: '' })).sort((x, y) => (x.device < y.device ? -1 : 1)) });
  const [a, b] = [plain(renamed(before, new Map())), plain(renamed(now, names))];
  const said = [...differences(essence(a), essence(b)), ...driftOf(a, b).map((d) => `${d.what}: ${d.was} -> ${d.is}`)];
  for (const d of said) say(`DIFFERENCE ${d}`);
  say(`COMPARED ${a.disks.length} disks, ${a.layers.length} layers, ${a.fileSystems.length} file systems, ${a.swaps.length + a.swapFiles.length} swaps: ${said.length} differences`);
} catch (error) {
  say(`DIFFERENCE ${error.stack.replace(/\n/g, ' | ')}`);
}
