import { lazy, type CommandSpec } from '../cli/spec.js';

export const demo: CommandSpec = {
  name: 'demo', summary: 'do the whole job on a sample system in QEMU: make it, back it up, boot the set, restore, boot the result, compare every file',
  description: ['Needs root, QEMU and mmdebstrap.'],
  options: [
    { flags: '--sample <name>', text: 'bios-ext4, bios-logical or uefi-xfs', default: 'bios-ext4', value: ['bios-ext4', 'bios-logical', 'uefi-xfs'] }, { flags: '--dir <directory>', text: 'where images, set and report go', default: '/var/tmp/cdrec-demo', value: 'directory' },
    { flags: '--cache <directory>', text: 'where the sample system is kept for the next time (default: in --dir)', value: 'directory' }, { flags: '--inside', text: 'run "cdrec build" inside the booted sample instead of in a chroot (slower without KVM)' },
    { flags: '--volume-size <size>', text: 'size of a volume', default: 'dvd' }, { flags: '--uefi-boot', text: 'also boot the set by UEFI to the rescue prompt' }, { flags: '--keep', text: 'keep the disk images' },
  ],
  examples: [['demo', 'see it work'], ['demo --sample uefi-xfs --inside', 'a UEFI machine, built in itself']], exit: { 0: 'not one file differs', 1: 'something failed or differs' },
  run: lazy(async () => (await import('../commands/demo.js')).demo),
};

export const schema: CommandSpec = {
  name: 'schema', summary: 'print the JSON Schema of survey.json, set.json, rehearsal.json or the configuration',
  description: ['Editors check cdrec.toml with the schema "config".'],
  arguments: [{ name: '<name>', text: 'survey, set, config, rehearsal', value: ['survey', 'set', 'config', 'rehearsal'] }],
  examples: [['schema config', 'JSON Schema (2020-12) of cdrec.toml']], exit: {},
  run: lazy(async () => (await import('../commands/schema.js')).schema),
};

export const completion: CommandSpec = {
  name: 'completion', summary: 'print completions of this program for a shell',
  description: ['For bash: cdrec completion bash > /etc/bash_completion.d/cdrec; for zsh: cdrec completion zsh > /usr/local/share/zsh/site-functions/_cdrec; for fish: cdrec completion fish > ~/.config/fish/completions/cdrec.fish'],
  arguments: [{ name: '<shell>', text: 'bash, zsh or fish', value: ['bash', 'zsh', 'fish'] }],
  examples: [['completion bash > /etc/bash_completion.d/cdrec', 'for all users of bash']], exit: {},
  run: lazy(async () => (await import('../commands/manual.js')).completion),
};

export const man: CommandSpec = {
  name: 'man', summary: 'print the manual page of the program or of a command, as roff',
  description: ['Packages install these pages in section 8. To read one without: cdrec man build | man -l -'],
  arguments: [{ name: '[command]', text: 'a command; without one, the page cdrec(8)' }],
  options: [{ flags: '--all <directory>', text: 'write every page into this directory', value: 'directory' }],
  examples: [['man build | man -l -', 'read the page of build'], ['man --all /usr/local/share/man/man8', 'install all pages']], exit: {},
  run: lazy(async () => (await import('../commands/manual.js')).man),
};
