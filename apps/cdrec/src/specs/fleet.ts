import { lazy, type CommandSpec } from '../cli/spec.js';
import { restore } from './restore.js';
import { CONFIG, JSON_OUT, REPOSITORY } from './shared.js';

const OPEN = [...REPOSITORY.filter((o) => !/--host|--snapshot/.test(o.flags)), CONFIG];
const MAX_AGE = { flags: '--max-age <age>', text: 'a set older than this needs attention: 12h, 30d, 6w' } as const;

export const fleet: CommandSpec = {
  name: 'fleet', summary: 'the machines of a repository: list them, see how they are, restore one of them',
  description: ['For machines that send their backups to one repository (backup.engine = "restic"). Everything comes from the repository: no machine is asked.'],
  examples: [['fleet status', 'age, size, rehearsal and drift of every machine'], ['fleet restore web1', 'in any rescue system: bring web1 back here']],
  children: [
    {
      name: 'list', summary: 'list the machines of a repository and their sets', description: ['With --host, every set of that machine; --snapshot of restore takes its label or id.'],
      options: [...OPEN, { flags: '--host <name>', text: 'all sets of this machine' }, JSON_OUT],
      examples: [['list', 'every machine with its newest set'], ['list --host web1', 'all states that web1 can be brought back to']], exit: {},
      run: lazy(async () => (await import('../commands/fleet.js')).fleetList),
    },
    {
      name: 'status', summary: 'age, size, rehearsal verdict and drift of every machine, as a table, JSON or a page',
      description: ['A machine says itself whether it has changed since its newest set (cdrec fleet report, daily); cdrec rehearse reports its verdict.'],
      options: [...OPEN, MAX_AGE, { flags: '--html <file>', text: 'write a page that needs nothing else: search, sort', value: 'file' }, JSON_OUT],
      examples: [['status --max-age 2d', 'whose backups have stopped?'], ['status --html /srv/www/fleet.html', 'for the wall']], exit: { 0: 'all machines are as they should be', 3: 'some need attention' },
      run: lazy(async () => (await import('../commands/fleet.js')).fleetStatus),
    },
    {
      name: 'report', summary: 'on a machine: tell the repository whether it has changed since its newest set',
      description: ['The number of differences between this machine and the survey of its newest set becomes a small snapshot, which fleet status reads.'],
      options: [...OPEN, JSON_OUT], examples: [['report', 'from cron, daily']], exit: { 0: 'as in its newest set', 3: 'it has changed' },
      run: lazy(async () => (await import('../commands/fleet.js')).fleetReport),
    },
    {
      name: 'restore', summary: 'bring a machine of the repository back, here: like restore, without its medium',
      description: ['The survey of the machine comes from the repository, so that any rescue system with the right drivers will do. What is restored, and asked, is as with restore.'],
      arguments: [{ name: '<host>', text: 'the machine' }], options: (restore.options ?? []).filter((o) => !/--host|--tape/.test(o.flags)),
      examples: [['restore web1 --disk /dev/nvme0n1 --grow', 'onto a disk of this machine, all of it used'], ['restore web1 --snapshot 2026-11-01', 'as it was on that day']], exit: restore.exit ?? {}, files: restore.files ?? [],
      run: lazy(async () => (await import('../commands/fleet.js')).fleetRestore),
    },
  ],
};
