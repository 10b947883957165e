// Measures shell commands against each other in one run.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/**
 * Runs shell commands in turn, each round in another order; one round warms up. Returns CPU and wall medians of each.
 * Before each command as many bytes are written and freed: a virtual machine's first use of memory costs more than all
 * that is measured here, and would be on the account of whoever comes first.
 */
export function measure(commands, runs, out, mib) {
  const got = Object.fromEntries(Object.keys(commands).map((k) => [k, { cpu: [], wall: [] }]));
  for (let i = 0; i <= runs; i++) {
    const turn = Object.entries(commands);
    for (const [name, command] of [...turn.slice(i % turn.length), ...turn.slice(0, i % turn.length)]) {
      rmSync(out, { recursive: true, force: true });
      execFileSync('dd', ['if=/dev/zero', `of=${out}`, 'bs=1M', `count=${mib}`], { stdio: 'ignore' });
      rmSync(out, { recursive: true, force: true });
      const said = execFileSync('bash', ['-c', `TIMEFORMAT="%R %U %S"; { time { set -o pipefail; ${command}; } > /dev/null 2>&1 || echo failed >&2; } 2>&1`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
      if (said.includes('failed')) continue; // genisoimage stops at colliding Joliet names
      const [wall, user, system] = said.trim().split('\n').at(-1).split(' ').map(Number);
      if (i === 0) continue;
      got[name].cpu.push(user + system);
      got[name].wall.push(wall);
    }
  }
  rmSync(out, { recursive: true, force: true });
  return Object.fromEntries(Object.entries(got).filter(([, v]) => v.cpu.length > 0).map(([k, v]) => [k, { cpu: median(v.cpu), wall: median(v.wall) }]));
}
