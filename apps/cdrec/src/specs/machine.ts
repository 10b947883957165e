import { lazy, type CommandSpec } from '../cli/spec.js';
import { DEFAULT_CONFIG_FILE } from '../environment.js';
import { CONFIG, CONFIG_FILES, EXCLUDES, JSON_OUT } from './shared.js';

const KERNEL = { flags: '--kernel <version>', text: 'kernel of the rescue system (default: the running one)' } as const;

export const test: CommandSpec = {
  name: 'test', summary: 'check everything a build needs on this machine, with a remedy for what is missing',
  description: [
    'About 25 checks in groups: programs, kernel, drivers, boot loaders, disks and what lies on them, space, configuration, devices for tape and disc. Each has a stable name, PASS, WARN or FAIL, and a remedy.',
    'With --fix, the packages that bring what a failing check misses are installed by the package manager of the distribution (apt, dnf, pacman, zypper), after a question that --yes answers.',
  ],
  options: [
    { flags: '--out <directory>', text: 'where the set would be written', value: 'directory' },
    { flags: '--label <label>', text: 'label that the set would have' }, KERNEL, ...EXCLUDES, CONFIG,
    { flags: '--fix', text: 'install what is missing, after asking' },
    { flags: '--yes', text: 'with --fix: do not ask' }, JSON_OUT,
  ],
  examples: [['test', 'what would stand in the way of a build'], ['test --fix', 'and install the packages that are missing'], ['test --json', 'for monitoring']],
  exit: { 0: 'nothing failed (there may be warnings)', 1: 'a check failed' }, files: CONFIG_FILES,
  run: lazy(async () => (await import('../commands/test.js')).test),
};

export const build: CommandSpec = {
  name: 'build', summary: 'build a bootable recovery set of this machine',
  description: [
    'Without --mode, output.mode of the configuration holds; without that, a terminal is asked. Volumes are written under a temporary name and renamed when they are complete: what has its name is whole.',
    'The set consists of ISO volumes. Volume 1 boots by BIOS and UEFI from disc, USB stick and network; it holds the rescue system, the survey of the machine, the recovery sheet index.html, and the first archives. Every piece of an archive has its CRC-32 and SHA-256.',
    'What cannot be brought back (a file system or a layer that cdrec does not know) stops the build, unless backup.allow_unsupported or --exclude-mount names it.',
    'With SOURCE_DATE_EPOCH set, the same machine gives the same bytes.',
  ],
  options: [
    { flags: '--mode <mode>', text: 'rescue: no backups; iso: volumes; path: rescue ISO and archives in a directory; tape: rescue ISO in --out, archives on tape; repository: rescue ISO in --out, archives with backup.engine', value: ['rescue', 'iso', 'path', 'tape', 'repository'] },
    { flags: '--output <kind>', text: 'iso: ISO volumes; pxe: a tree for a TFTP or HTTP server (rescue system only); floppy: the image of a boot floppy; tree: the rescue root as a directory, to be changed', default: 'iso', value: ['iso', 'pxe', 'floppy', 'tree'] },
    { flags: '--to <tree>', text: 'with --output pxe: add this machine to the tree of a boot server for many, known by MAC address, serial number (iPXE) or host name (iPXE)', value: 'directory' },
    { flags: '--generic', text: 'with --to: the rescue system for any machine of the repository, which starts where no machine of its own is known' },
    { flags: '--tree <directory>', text: 'take the rescue root from this directory, which --output tree made', value: 'directory' },
    { flags: '--out <directory>', text: 'where the set is written (default: output.directory)', value: 'directory' },
    { flags: '--volume-size <size>', text: 'cd, dvd, dvd-dl, bd, bd-dl, bytes, or 700M, 4.5G...', value: ['cd', 'dvd', 'dvd-dl', 'bd', 'bd-dl'] },
    { flags: '--label <label>', text: 'label of the set (default: CDrec-YYYY.MM.DD)' }, KERNEL,
    { flags: '--tape <drive>', text: 'drive for --mode tape: /dev/nst0, or HOST:/dev/nst0 by SSH; one after another', repeat: true, value: 'device' },
    { flags: '--burn <drive>', text: 'burn every volume when it is complete, read it back, ask for the next disc; no ISO files are kept', value: 'device' },
    { flags: '--erase', text: 'blank rewritable discs without a question' },
    { flags: '--init-repository', text: 'with --mode repository: make the repository if it is not there yet' },
    { flags: '--no-medium', text: 'with --mode repository: only send the backups; the rescue medium that there is finds them' },
    { flags: '--same-disk', text: 'let --mode path write to a disk that is itself backed up' },
    { flags: '--passphrase', text: 'encrypt the archives with a passphrase that is asked for (backup.encrypt: with public keys)' },
    ...EXCLUDES,
    { flags: '--dry-run', text: 'list the archives, their sizes, and what is left out and why; write nothing' },
    { flags: '--overwrite', text: 'replace volumes of the same name; with --tape, overwrite tapes that hold data' }, CONFIG, JSON_OUT,
  ],
  examples: [
    ['build --dry-run', 'what would be saved, what is left out and why'], ['build --mode iso --out /backup', 'ISO volumes of the size of a DVD'],
    ['build --mode path --out /mnt/nas', 'rescue ISO and archives on a mounted share'], ['build --mode iso --burn /dev/sr0', 'burn the volumes one after another'],
    ['build --mode repository', 'rescue medium, and snapshots in the repository of the configuration'],
    ['build --mode rescue', 'the rescue system alone'],
  ],
  exit: { 1: 'failed, nothing is left behind', 3: 'complete, but the listed files could not be read or changed meanwhile' }, files: [...CONFIG_FILES, ['/var/lib/cdrec', 'where sets are written by default']],
  run: lazy(async () => (await import('../commands/build.js')).buildSet),
};

export const config: CommandSpec = {
  name: 'config', summary: 'make, show and check the configuration; carry over that of mkCDrec or ReaR',
  description: ['The configuration is TOML. Every key has a default, so no file is needed; nothing in it is executed but the commands that it names (pre_exec, post_exec, tape_change).'],
  examples: [['config init', 'a file with every key explained'], ['config show --effective', 'what holds, and where it comes from'], ['config import /etc/rear/local.conf', 'carry over the configuration of ReaR']],
  files: CONFIG_FILES,
  children: [
    {
      name: 'init', summary: 'write a configuration with every key explained; all of them keep their defaults', description: ['A file that is there is kept, unless --overwrite says otherwise.'],
      options: [{ flags: '--out <file>', text: 'where to, - for standard output', default: DEFAULT_CONFIG_FILE, value: 'file' }, { flags: '--overwrite', text: 'replace the file that is there' }],
      examples: [['init', `write ${DEFAULT_CONFIG_FILE}`], ['init --out -', 'look at it']], exit: {},
      run: lazy(async () => (await import('../commands/config.js')).configInit),
    },
    {
      name: 'show', summary: 'print what is configured', description: ['Without --effective, only keys that the file sets are shown.'],
      options: [{ flags: '--effective', text: 'every key with the value that holds, and where it comes from' }, CONFIG, JSON_OUT],
      examples: [['show --effective', 'every key, its value, and the line that sets it']], exit: {},
      run: lazy(async () => (await import('../commands/config.js')).configShow),
    },
    {
      name: 'check', summary: 'say everything that is wrong with a configuration: line, column, and what should stand there', description: ['All faults are told at once: unknown keys with the key that was meant, wrong values with what is expected, keys that contradict each other.'],
      arguments: [{ name: '[file]', text: `configuration file, - for standard input (default: ${DEFAULT_CONFIG_FILE})`, value: 'file' }], options: [JSON_OUT],
      examples: [['check', `check ${DEFAULT_CONFIG_FILE}`], ['check new.toml', 'before it is put in place']], exit: { 0: 'nothing is wrong', 2: 'something is wrong' },
      run: lazy(async () => (await import('../commands/config.js')).configCheck),
    },
    {
      name: 'import', summary: 'carry over Config.sh of mkCDrec or local.conf of ReaR: it is read, not run, and every line is accounted for',
      description: ['The account says of every statement whether it was carried over, is what cdrec does anyway, has no successor, or must be decided by hand. Shell code is never run.'],
      arguments: [{ name: '<file>', text: 'the other tool\'s configuration', value: 'file' }],
      options: [
        { flags: '--from <tool>', text: 'mkcdrec or rear (default: found out by its variables)', value: ['mkcdrec', 'rear'] }, { flags: '--out <file>', text: 'where the configuration goes, - for standard output', default: '-', value: 'file' },
        { flags: '--overwrite', text: 'replace the file that is there' }, { flags: '--json', text: 'account of every line as JSON on standard output' },
      ],
      examples: [['import /etc/rear/local.conf --out /etc/cdrec/cdrec.toml', 'from ReaR'], ['import Config.sh', 'from mkCDrec, onto the screen']], exit: { 0: 'everything was carried over or is not needed', 3: 'some lines must be decided by hand' },
      run: lazy(async () => (await import('../commands/config.js')).configImport),
    },
  ],
};

export const clean: CommandSpec = {
  name: 'clean', summary: 'remove what interrupted builds left in the output directory; finished sets stay',
  description: ['Only files under temporary names are removed, and none of a build that goes on: as long as it does, a file .LABEL.lock says who is at work, and since when.'],
  options: [{ flags: '--out <directory>', text: 'output directory (default: output.directory)', value: 'directory' }],
  examples: [['clean', 'tidy up after a power cut']], exit: {}, files: CONFIG_FILES,
  run: lazy(async () => (await import('../commands/clean.js')).clean),
};
