// Everything in docs/ that is made from the code: manual pages, completions, schemas, tables, pinned exports.
// usage: node tools/docs.mjs [--check]      (--check: changes nothing, status 1 if something is not as the code has it; after a build)
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_SECTIONS, configJsonSchema, tomlValue, VARIABLES } from '@cdrec/config';
import { rehearsalJsonSchema } from '@cdrec/rehearse';
import { surveyJsonSchema } from '@cdrec/survey';
import { setJsonSchema } from '@cdrec/volumes';
import { COMPLETIONS } from '../apps/cdrec/dist/cli/completions.js';
import { manPages } from '../apps/cdrec/dist/cli/manual.js';
import { exitLines } from '../apps/cdrec/dist/cli/spec.js';
import { COMMANDS } from '../apps/cdrec/dist/specs/index.js';

const check = process.argv.includes('--check');
const wrong = [];

/** Writes a file, or says that it is not what it should be. */
function put(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  if (check) wrong.push(path);
  else {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    console.log(path);
  }
}

/** Replaces what stands between `<!-- made: NAME -->` and `<!-- end -->` in a document. */
function fill(path, name, text) {
  const old = readFileSync(path, 'utf8');
  const begin = `<!-- made: ${name} -->\n`;
  const from = old.indexOf(begin);
  const to = old.indexOf('<!-- end -->', from);
  if (from < 0 || to < 0) throw new Error(`${path} has no place for "${name}"`);
  put(path, `${old.slice(0, from + begin.length)}${text.trimEnd()}\n${old.slice(to)}`);
}

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((r) => `| ${r.map(cell).join(' | ')} |`).join('\n');
const code = (text) => (text === '' ? '' : `\`${text}\``);

/** Why each dependency is there. A new one without a reason stops this program. */
const REASONS = {
  commander: 'parses the command line, makes `--help`; named by the project. 14 is the last major that runs on Node 20',
  'crc-32': 'CRC-32 of small buffers where `zlib.crc32` (Node 22.2) is not there; named by the project. Streams are summed by `zlib.crc32` where the runtime has it',
  execa: 'runs the system\'s programs with argv arrays, kills them with the run; named by the project. 9 is the last major that runs on Node 20',
  'node-disk-info': 'names the file system that `cdrec test` reports free space of; named by the project. Its figures come from `df`: decisions rest on statfs(2). The bundle leaves out its tables of Windows code pages',
  'smol-toml': 'reads cdrec.toml (TOML 1.0), strict, with a limit of depth',
  'tar-stream': 'writes rd-base as tar.zst and tar.gz; named by the project. Never in the path of backups: it does not keep all metadata',
  'toml-eslint-parser': 'says where a key or a value stands in cdrec.toml: smol-toml keeps no places. Loaded for messages and `config show` only',
  zod: 'validates what comes from outside (cdrec.toml, survey.json, set.json, outputs of programs) and gives their types and JSON Schemas',
};

const packages = [...readdirSync('packages').map((p) => `packages/${p}`), 'apps/cdrec'].map((dir) => ({ dir, json: JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) }));

function dependencies() {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const users = new Map();
  for (const { dir, json } of packages) for (const name of Object.keys({ ...json.dependencies, ...(dir === 'apps/cdrec' ? json.devDependencies : {}) })) if (!name.startsWith('@cdrec/')) users.set(name, [...(users.get(name) ?? []), json.name.replace('@cdrec/', '')]);
  const reached = new Set();
  const place = (name, from) => [`${from}/node_modules/${name}`, `node_modules/${name}`].find((p) => lock[p] !== undefined);
  const reach = (name, from) => {
    const at = place(name, from);
    if (at === undefined || reached.has(at)) return;
    reached.add(at);
    for (const next of Object.keys(lock[at].dependencies ?? {})) reach(next, at);
  };
  const home = (name) => packages.find((p) => p.json.dependencies?.[name] !== undefined || p.json.devDependencies?.[name] !== undefined).dir;
  for (const name of users.keys()) reach(name, home(name));
  const rows = [...users].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, by]) => {
    if (REASONS[name] === undefined) throw new Error(`${name} has no reason in tools/docs.mjs`);
    return [code(name), lock[place(name, home(name))].version, lock[place(name, home(name))].license, by.join(', '), REASONS[name]];
  });
  if (rows.length >= 15) throw new Error(`${rows.length} runtime dependencies: the limit is 14`);
  return `${table(['package', 'version', 'licence', 'used by', 'why'], rows)}\n\n${rows.length} packages are named by ours; with what they need themselves, they are ${reached.size}. Who installs the program \`cdrec\` installs none of them: it is published as one bundle that holds them.`;
}

/** Names that a package exports, values and types. */
const exportsOf = (dir) => [...readFileSync(join(dir, 'src/index.ts'), 'utf8').matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, type, list]) => list.split(',').map((n) => n.trim()).filter((n) => n !== '').map((n) => (type !== undefined && !n.startsWith('type ') ? `type ${n}` : n))).sort();

for (const [name, make] of Object.entries({ survey: surveyJsonSchema, set: setJsonSchema, config: configJsonSchema, rehearsal: rehearsalJsonSchema })) put(`docs/schema/${name}.schema.json`, `${JSON.stringify(make(), null, 2)}\n`);
const pages = manPages(COMMANDS);
for (const [file, page] of pages) put(`docs/man/${file}`, page);
for (const file of readdirSync('docs/man')) if (!pages.has(file)) check ? wrong.push(`docs/man/${file}`) : rmSync(`docs/man/${file}`);
for (const [shell, make] of Object.entries(COMPLETIONS)) put(`docs/completions/cdrec.${shell}`, make(COMMANDS));
put('docs/api/exports.json', `${JSON.stringify(Object.fromEntries(packages.filter((p) => p.dir !== 'apps/cdrec').map((p) => [p.json.name, exportsOf(p.dir)])), null, 1)}\n`);
fill('docs/dependencies.md', 'dependencies', dependencies());
fill('docs/configuration.md', 'keys', CONFIG_SECTIONS.map((s) => `## [${s.name}]\n\n${s.meaning}\n\n${table(['key', 'default', 'meaning'], s.keys.map((k) => [code(k.name), k.default === undefined ? '' : code(tomlValue(k.default)), `${k.meaning}${k.choices.length > 0 ? `: ${k.choices.map((c) => code(JSON.stringify(c))).join(', ')}` : ''}`]))}`).join('\n\n'));
for (const source of ['mkcdrec', 'rear']) fill('docs/coming-from.md', source, table(['there', 'here', 'how, or why not'], VARIABLES.filter((v) => v.source === source).map((v) => [`${code(v.name)}${v.default === '' ? '' : ` (${v.default})`}`, v.place === '' ? '-' : v.place.split(', ').map((p) => (/^[a-z]+\.[a-z_]+$|^-|^cdrec /.test(p) ? code(p) : p)).join(', '), v.why])));
fill('docs/user-guide.md', 'commands', table(['command', 'what it does', 'exit status'], COMMANDS.map((c) => [`[\`${c.name}\`](man/cdrec-${c.name}.8)`, c.summary, c.children === undefined ? exitLines(c).map(([s, t]) => `${s} ${t}`).join('; ') : ''])));

if (wrong.length > 0) {
  console.error(`not as the code has it: ${wrong.join(', ')}\nrun: node tools/docs.mjs`);
  process.exitCode = 1;
}
