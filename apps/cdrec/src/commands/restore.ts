import type { Command } from 'commander';
import { formatPlan } from '@cdrec/restore';
import { collect, EXIT, type AddCommand } from '../main.js';
import { makePlan, planOptions, type PlanFlags } from '../restore-plan.js';
import { runOptions, runRestore, type RestoreFlags } from '../restore-run.js';
import { findSet, requireComplete } from '../sets.js';

const VOLUMES = ['[volumes...]', 'ISO files, devices, or the directory of a path set (default: search all devices)'] as const;
const shared = (command: Command): Command => planOptions(command.argument(...VOLUMES)
  .option('--disk <source=target>', 'which disk takes the place of which (repeatable); just a target if the machine had one disk', collect, [])
  .option('--without <source>', 'disk of the machine that nothing takes the place of: arrays run degraded (repeatable)', collect, []));

export const restoreCommand: AddCommand = (program, terminal, finish) => {
  runOptions(shared(program.command('restore').alias('start-restore').description('restore the whole machine: verify the set, show the plan, ask, do it')))
    .action(async (volumes: string[], flags: RestoreFlags) => { finish(await runRestore(volumes, flags, terminal)); });
};

export const cloneDiskCommand: AddCommand = (program, terminal, finish) => {
  runOptions(planOptions(program.command('clone-dsk').description('bring one disk of the machine onto another one, of any size')
    .argument('<source>', 'disk of the machine, as the survey calls it (/dev/sda)').argument('<target>', 'disk of this machine that is overwritten').argument(...VOLUMES)))
    .addHelpText('after', '\nOnly what lies on the source comes back; arrays that have members on other disks run degraded. --step asks before every step.')
    .action(async (source: string, target: string, volumes: string[], flags: RestoreFlags) => {
      finish(await runRestore(volumes, { ...flags, disk: [`${source}=${target}`], without: [] }, terminal, source));
    });
};

export const planCommand: AddCommand = (program, terminal, finish) => {
  shared(program.command('plan').description('show what a restore would do; writes nothing'))
    .action(async (volumes: string[], flags: PlanFlags & { json?: boolean }) => {
      const { set, places } = await findSet(volumes, { drives: flags.tape, terminal });
      try {
        requireComplete(set);
        const plan = await makePlan(set, places, flags);
        terminal.print(flags.json === true ? JSON.stringify(plan) : formatPlan(plan).trimEnd());
        finish(EXIT.ok);
      } finally {
        await set.close();
      }
    });
};
