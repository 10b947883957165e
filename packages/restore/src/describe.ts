import { named } from './commands.js';
import { cardLine } from './network-cards.js';
import type { MapRow } from './disk-map.js';
import type { Plan, Step } from './plan.js';

const size = (n: number): string => (n < 2 ** 30 ? `${(n / 2 ** 20).toFixed(n < 2 ** 20 * 10 ? 1 : 0)} MiB` : `${(n / 2 ** 30).toFixed(2)} GiB`);

/** The map of a disk, before and after, a line for each partition and what lies in it. */
function formatMap(rows: readonly MapRow[]): string[] {
  const name = (r: MapRow): string => `${'  '.repeat(r.depth)}${r.name}`;
  const width = Math.max(9, ...rows.map((r) => name(r).length));
  return [`    ${'was'.padStart(width + 12)}   ${'will be'.padStart(10)}`, ...rows.map((r) => `    ${name(r).padEnd(width)} ${(r.before === undefined ? '-' : size(r.before)).padStart(11)}   ${(r.after === undefined ? '-' : size(r.after)).padStart(10)}   ${r.what}`.trimEnd())];
}

/** The plan as text for a person: what will be lost, then what will be done. */
export function formatPlan(plan: Plan): string {
  const gib = (n: number): string => `${(n / 2 ** 30).toFixed(2)} GiB`;
  const lines = [`Plan ${plan.id}: restore ${plan.host}`, '', 'Disks that will be overwritten:'];
  for (const d of plan.disks) {
    lines.push(`  ${d.target}  ${gib(d.bytes)}  ${d.model || 'no model'}, serial ${d.serial || 'none'}`, `    takes the place of ${[d.source, ...(d.others ?? [])].join(' and ')} (${d.rule})`, `    WILL BE LOST: ${d.content}`, ...formatMap(d.map));
  }
  if (plan.changes.length > 0) lines.push('', 'Sizes that change:', ...plan.changes.map((c) => `  ${c.what}: ${gib(c.from)} -> ${gib(c.to)}`));
  if (plan.cards.length > 0) lines.push('', 'Network cards that are other ones now:', ...plan.cards.map((c) => `  ${cardLine(c)}`));
  if (plan.warnings.length > 0) lines.push('', ...plan.warnings.map((w) => `WARNING: ${w}`));
  lines.push('', 'Steps:');
  plan.steps.forEach((s, i) => lines.push(`  ${String(i + 1).padStart(2)}. ${describeStep(s)}`));
  return lines.join('\n') + '\n';
}

/** One line on a step. */
export function describeStep(s: Step): string {
  switch (s.kind) {
    case 'wipe': return `wipe old signatures from ${s.disk}`;
    case 'table': return `write the partition table of ${s.disk} (${String(s.nodes.length)} partitions)`;
    case 'luks-header': return `restore the header of the encrypted volume on ${s.device}, with its key slots`;
    case 'layer': return `make ${s.step.what}`;
    case 'subvolumes': return `make the subvolumes ${s.paths.join(', ')} on ${s.device}`;
    case 'make': return s.commands.map((c) => named(c).join(' ')).join('; ');
    case 'extract': return s.engine !== undefined ? `restore ${s.mount} by ${s.engine} (${String(Math.ceil(s.contentBytes / 2 ** 20))} MiB) into ${s.device}` : `unpack ${s.archive} (${String(Math.ceil(s.contentBytes / 2 ** 20))} MiB) into ${s.device} for ${s.mount}`;
    case 'swap-file': return `make the swap file ${s.file.path} (${size(s.file.bytes)})`;
    case 'image': return `write ${s.archive} onto ${s.device} block by block`;
    case 'adapt': return 'fit the restored system to its new disks: names of devices in its files, drivers in its initramfs';
    case 'lilo': return `install LILO on ${s.disk}`;
    case 'extlinux': return `install EXTLINUX in ${s.directory}`;
    case 'grub-bios': return `install GRUB (BIOS) on ${s.disk}`;
    case 'efi': return s.fresh === true ? `install GRUB (UEFI) into ${s.mount}, also at the removable-media path, and enter it into the firmware` : `check the UEFI boot loader in ${s.mount}, with the removable-media path, and enter it into the firmware`;
    case 'flags': return `set the inode flags of files in ${s.mount}`;
    case 'quotas': return `set the limits of ${String(s.quotas.length)} quotas of ${s.mount}`;
    case 'check': return `compare the files of ${s.mount} with ${s.archive}`;
    case 'hook': return `run ${s.id === 'post_exec' ? 'rescue.post_exec' : 'a command'} (${s.script}) with the restored system mounted`;
  }
}
