import type { ArgumentSpec, OptionSpec } from '../cli/spec.js';
import { DEFAULT_CONFIG_FILE } from '../environment.js';

export const VOLUMES: ArgumentSpec = { name: '[volumes...]', text: 'ISO files, devices, or the directory of a path set (default: search all devices)', value: 'image' };
export const CONFIG: OptionSpec = { flags: '--config <file>', text: `configuration file (default: ${DEFAULT_CONFIG_FILE}, if it exists)`, value: 'file' };
export const JSON_OUT: OptionSpec = { flags: '--json', text: 'result as JSON on standard output' };
export const TAPE: OptionSpec = { flags: '--tape <drive>', text: 'the set is on tape: /dev/nst0, or HOST:/dev/nst0 by SSH', repeat: true, value: 'device' };
export const IDENTITY: OptionSpec = { flags: '--identity <file>', text: 'secret key of age that opens an encrypted set, and what a medium keeps of a repository\'s secrets', value: 'file' };
/** Options of everything that reads a set: where it is when it is not on volumes. */
export const REPOSITORY: readonly OptionSpec[] = [
  { flags: '--repository <location>', text: 'the set is in this repository (restic): no volumes are needed; with volumes, their repository is now here' },
  { flags: '--host <name>', text: 'machine of the repository (default: that of the medium, or of the configuration)' },
  { flags: '--snapshot <which>', text: 'state in the repository: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)' },
  { flags: '--password-file <file>', text: 'file with the password of the repository (default: as configured, else it is asked for)', value: 'file' },
  { flags: '--repository-env <file>', text: 'file with the keys of the repository\'s store, NAME=VALUE on each line', value: 'file' },
  { flags: '--ssh-key <file>', text: 'file with the private key for a repository by sftp:', value: 'file' },
  IDENTITY,
];
export const EXCLUDES: readonly OptionSpec[] = [
  { flags: '--exclude <path>', text: 'leave out: /x drops x, /x/* keeps x empty', repeat: true, value: 'file' },
  { flags: '--exclude-mount <mount point>', text: 'a file system that does not belong to the machine', repeat: true, value: 'directory' },
];
export const CONFIG_FILES = [[DEFAULT_CONFIG_FILE, 'configuration (cdrec config init writes one)']] as const;
