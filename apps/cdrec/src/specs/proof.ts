import { lazy, type CommandSpec, type OptionSpec } from '../cli/spec.js';
import { CONFIG, CONFIG_FILES, JSON_OUT, REPOSITORY } from './shared.js';

export const rehearse: CommandSpec = {
  name: 'rehearse', summary: 'prove in a virtual machine that a set brings the machine back: boot it, restore onto blank disks, compare every file, boot the result',
  description: [
    'Needs neither root nor KVM, but QEMU. Nothing of the set is changed. A report (rehearsal.json, rehearsal.html) says how long each stage took, what was compared and what differed; it can be signed.',
    'The stages are: the set is read, the rescue system boots from it, the plan is carried out, every file is compared, the restored disks boot without the medium, and the restored system says that its services run and its file systems are mounted.',
  ],
  arguments: [{ name: '<volumes...>', text: 'ISO files of the set, or the directory of a path set', value: 'image' }],
  options: [
    { flags: '--disk <[source=]size>', text: 'size of a blank disk, in the order of the survey; default: as they were. Another disk of the machine instead of a size: both go onto one', repeat: true }, { flags: '--smaller <percent>', text: 'all disks smaller by so much' },
    { flags: '--firmware <kind>', text: 'bios, uefi or secure-boot (default: as the machine started)', value: ['bios', 'uefi', 'secure-boot'] }, { flags: '--bus <kind>', text: 'how the disks are attached: virtio, virtio-scsi, ahci, nvme', default: 'virtio', value: ['virtio', 'virtio-scsi', 'ahci', 'nvme'] },
    { flags: '--memory <size>', text: 'memory of the virtual machine (default: up to 2G)' }, { flags: '--report <directory>', text: 'where rehearsal.json and rehearsal.html go (default: LABEL-rehearsal beside volume 1)', value: 'directory' },
    { flags: '--sign <file>', text: 'sign rehearsal.json with this Ed25519 key (PEM)', value: 'file' }, ...REPOSITORY.filter((o) => !/--host|--snapshot/.test(o.flags)),
    { flags: '--luks-key <file>', text: 'file with a passphrase of the encrypted volumes, when their headers are in the set (default: one of the rehearsal\'s own)', value: 'file' },
    { flags: '--keep', text: 'keep the restored disks and the logs' }, { flags: '--work <directory>', text: 'directory for the disks (default: a new one in /var/tmp)', value: 'directory' },
    { flags: '--patience <seconds>', text: 'give a guest up that takes longer for a stage' }, { flags: '--inject <file>', text: 'commands (bash) that are run with the restored system at $CDREC_ROOT before it starts: to see a rehearsal fail', value: 'file' },
    { flags: '--json', text: 'rehearsal.json on standard output' },
  ],
  examples: [['rehearse /backup/*.iso', 'the same machine, in QEMU'], ['rehearse /backup/*.iso --smaller 20% --bus nvme', 'on smaller disks of another kind'], ['rehearse /backup/*.iso --sign key.pem', 'with a report that can be trusted']],
  exit: { 0: 'PASS', 1: 'FAIL, or it could not be rehearsed' },
  run: lazy(async () => (await import('../commands/rehearse.js')).rehearse),
};

export const status: CommandSpec = {
  name: 'status', summary: 'is there a set, how old is it, has the machine changed since, was it rehearsed?',
  description: ['What changes by itself (times, counters, names of devices, sticks, used bytes) is no drift; partitions, volumes, file systems, fstab, kernel and boot loader are.'],
  arguments: [{ name: '[volumes...]', text: 'ISO files or directories of sets (default: the output directory)', value: 'image' }],
  options: [CONFIG, { flags: '--max-age <age>', text: 'a set older than this needs attention: 12h, 30d, 6w' }, JSON_OUT],
  examples: [['status', 'for a person'], ['status --max-age 30d --json', 'for monitoring']],
  exit: { 0: 'all is well', 1: 'there is no set, or it could not be found out', 3: 'attention: drift, too old, not rehearsed, or its rehearsal failed' }, files: CONFIG_FILES,
  run: lazy(async () => (await import('../commands/status.js')).status),
};

const KEEPING: readonly OptionSpec[] = [CONFIG, { flags: '--max-age <age>', text: 'a set older than this is made anew: 12h, 30d, 6w', default: '30d' }, { flags: '--keep <number>', text: 'how many dated sets of this machine stay', default: '2' }, { flags: '--no-rehearse', text: 'do not rehearse the new set' }];

export const refresh: CommandSpec = {
  name: 'refresh', summary: 'make a new set when the machine has changed or the set is too old, rehearse it, remove old ones',
  description: ['Old sets are removed only when the new one is there and has passed its rehearsal: dated ones (CDrec-YYYY.MM.DD...) of this machine. Sets of other machines in the same directory, and those with a label of your own, stay.'],
  options: KEEPING, examples: [['refresh', 'what the timer runs'], ['refresh --max-age 7d --keep 4', 'weekly, four sets stay']], exit: { 1: 'no new set, or it did not pass; the older ones are as they were', 3: 'a new set, with exceptions that are listed' }, files: CONFIG_FILES,
  run: lazy(async () => (await import('../commands/refresh.js')).refresh),
};

export const installTimer: CommandSpec = {
  name: 'install-timer', summary: 'have systemd run "cdrec refresh" regularly: a service and a timer',
  description: ['To see what it did: systemctl list-timers cdrec.timer; journalctl -u cdrec. To take it away: systemctl disable --now cdrec.timer.'],
  options: [...KEEPING, { flags: '--calendar <time>', text: 'when, as systemd.time(7) says it', default: 'weekly' }, { flags: '--force', text: 'replace units that are there' }],
  examples: [['install-timer', 'once a week'], ['install-timer --calendar "Sun 03:00" --max-age 14d', 'in the night to Sunday']], exit: {}, files: [['/etc/systemd/system/cdrec.service', 'the service'], ['/etc/systemd/system/cdrec.timer', 'the timer']],
  run: lazy(async () => (await import('../commands/refresh.js')).installTimer),
};
