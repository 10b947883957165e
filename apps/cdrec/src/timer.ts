import { existsSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';

/** What the timer is to run, and when. */
export interface TimerOptions { readonly calendar: string; readonly arguments: readonly string[]; readonly force: boolean; readonly directory?: string }

/** An argument as systemd.service(5) reads it. */
const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text.replaceAll('%', '%%') : `"${text.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`);

/**
 * Writes cdrec.service and cdrec.timer, checks them with systemd-analyze and starts the timer. Returns the files.
 * @throws CdrecError TIMER_EXISTS, TIMER_INVALID, TIMER_EPHEMERAL; TOOL_MISSING without systemd
 */
export async function writeTimer(options: TimerOptions): Promise<string[]> {
  const directory = options.directory ?? '/etc/systemd/system';
  if (!existsSync(directory)) throw new CdrecError('TOOL_MISSING', `${directory} does not exist: this machine is not run by systemd`, { hint: `have cron run: cdrec ${options.arguments.join(' ')}` });
  const program = process.argv[1] === undefined ? 'cdrec' : realpathSync(process.argv[1]);
  if (/[/]_npx[/]/.test(program)) throw new CdrecError('TIMER_EPHEMERAL', `${program} lies in npx's cache, which may be emptied any day`, { hint: 'install cdrec first (npm install -g cdrec), then run this again' });
  const files = [join(directory, 'cdrec.service'), join(directory, 'cdrec.timer')] as const;
  for (const f of files) if (existsSync(f) && !options.force) throw new CdrecError('TIMER_EXISTS', `${f} is there already`, { hint: 'replace it with --force' });
  const { exitCode, said } = await runTool('systemd-analyze', ['calendar', options.calendar], { ok: [0, 1] }).then((r) => ({ exitCode: r.status, said: r.stderr }));
  if (exitCode !== 0) throw new CdrecError('TIMER_INVALID', `"${options.calendar}" is no time that systemd understands: ${said.trim()}`, { hint: 'daily, weekly, Sun 03:00, *-*-01 02:00 (systemd.time(7))' });
  const service = `[Unit]
Description=Recovery set of this machine: made anew when it has changed, and rehearsed
Documentation=man:cdrec(8)
After=local-fs.target

[Service]
Type=oneshot
ExecStart=${[process.execPath, '--no-warnings', program, ...options.arguments].map(quoted).join(' ')}
# Complete, with exceptions that are listed.
SuccessExitStatus=3
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=infinity
`;
  const timer = `[Unit]
Description=Recovery set of this machine

[Timer]
OnCalendar=${options.calendar}
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
`;
  for (const [file, text] of [[files[0], service], [files[1], timer]] as const) {
    writeFileSync(`${file}.partial`, text, { mode: 0o644 });
    renameSync(`${file}.partial`, file);
  }
  if (existsSync('/run/systemd/system')) {
    await runTool('systemctl', ['daemon-reload']);
    await runTool('systemctl', ['enable', '--now', 'cdrec.timer']);
  }
  return [...files];
}
