import { stat } from 'node:fs/promises';
import { describeLayer, parseSurvey } from '@cdrec/survey';
import { volumeLabel } from '@cdrec/volumes';
import { describeImage, inspectImage, isPlainImage, type InspectedImage } from '../images.js';
import { EXIT, type AddCommand } from '../main.js';
import { findSet } from '../sets.js';
import { formatBytes } from '../terminal.js';

/** Whether the format checker has something to say of a place: ISO files and devices, not directories. */
const isImage = async (path: string): Promise<boolean> => !(await stat(path)).isDirectory();

export const inspectCommand: AddCommand = (program, terminal, finish) => {
  program.command('inspect')
    .description('show what a set holds, and whether its volumes keep the rules of their format; other ISO images too')
    .argument('[volumes...]', 'ISO files, devices, or the directory of a path set (default: search all devices)')
    .option('--json', 'set.json of the last volume (or what was found out of other images) on standard output')
    .option('--content', 'also read all files and compare them with the checksums that the image carries')
    .option('--notes', 'also list breaches that common writers make and no known reader minds')
    .addHelpText('after', '\nExit status: 0 no errors of format; 1 failed; 2 wrong usage; 3 a volume breaks rules of its format.')
    .action(async (volumes: string[], flags: { json?: boolean; content?: boolean; notes?: boolean }) => {
      const checks = { content: flags.content === true, notes: flags.notes === true };
      const report = (images: readonly InspectedImage[]): void => {
        if (images.some((i) => i.findings.some((f) => f.severity === 'error'))) finish(EXIT.exceptions);
      };
      if (volumes.length > 0 && (await Promise.all(volumes.map(isPlainImage))).every((plain) => plain)) {
        const images: InspectedImage[] = [];
        for (const path of volumes) images.push(await inspectImage(path, checks));
        if (flags.json === true) terminal.print(JSON.stringify(images));
        else for (const image of images) for (const line of describeImage(image)) terminal.print(line);
        report(images);
        return;
      }
      const { set } = await findSet(volumes);
      try {
        const { manifest } = set;
        if (flags.json === true) {
          terminal.print(JSON.stringify(manifest));
          return;
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
        report(images);
        for (const m of set.missing) terminal.print(`volume ${m}  MISSING`);
        for (const a of manifest.archives) terminal.print(`archive ${a.name}  ${a.mount}  ${formatBytes(a.bytes)} in ${String(a.pieces.length)} pieces${a.exceptions.length > 0 ? `, ${String(a.exceptions.length)} exceptions` : ''}`);
      } finally {
        await set.close();
      }
    });
};
