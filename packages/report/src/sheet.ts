import { escapeHtml, facts, formatSize, page } from './html.js';
import { diskMapSvg, type MapDisk } from './map.js';

/** Everything on the recovery sheet. */
export interface Sheet {
  readonly host: string;
  readonly os: string;
  readonly hardware: string;
  readonly label: string;
  readonly setId: string;
  /** ISO 8601. */
  readonly created: string;
  readonly version: string;
  readonly mode: 'rescue' | 'iso' | 'path' | 'tape' | 'repository';
  readonly firmware: 'bios' | 'uefi';
  readonly secureBoot: boolean;
  /** Volumes as far as they are known when the sheet is made; `undefined`: their number is not known yet. */
  readonly volumes: readonly string[] | undefined;
  readonly disks: readonly (MapDisk & { readonly model: string; readonly serial: string; readonly leastBytes: number })[];
  readonly fileSystems: readonly { readonly mount: string; readonly type: string; readonly usedBytes: number; readonly archive: string }[];
  readonly encrypted: boolean;
  /** Whether the machine has encrypted volumes: a passphrase is asked for. */
  readonly luks: boolean;
  readonly network: readonly string[];
  /** When the set was last rehearsed and with what verdict; `undefined`: not yet. */
  readonly rehearsed?: { readonly created: string; readonly verdict: 'PASS' | 'FAIL' };
}

/** The sheet for the person with a dead machine: what this is, what it needs, what to do. One page when printed; no script. */
export function recoverySheet(s: Sheet): string {
  const date = (iso: string): string => iso.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC');
  const places = s.mode === 'tape' ? 'the tapes of the set' : s.mode === 'path' ? 'this medium, and the directory with the archives' : s.mode === 'repository' ? 'this medium, the network, and what opens the repository (its password, the keys of its store)' : s.mode === 'rescue' ? 'this medium (it holds no archives: the content must come from elsewhere)' : `all volumes of the set${s.volumes === undefined ? '' : ` (${String(s.volumes.length)})`}`;
  const rows = s.fileSystems.map((f) => `<tr><td><code>${escapeHtml(f.mount)}</code></td><td>${escapeHtml(f.type)}</td><td class="number">${formatSize(f.usedBytes)}</td><td>${f.archive === '' ? '<span class="soft">not in the set</span>' : `<code>${escapeHtml(f.archive)}</code>`}</td></tr>`).join('\n');
  const disks = s.disks.map((d) => `<h3>${escapeHtml(d.title)} <span class="soft">${escapeHtml([formatSize(d.bytes), d.model, d.serial === '' ? '' : `serial ${d.serial}`].filter((t) => t !== '').join(', '))}; any disk from ${formatSize(d.leastBytes)} will do</span></h3>\n${diskMapSvg(d)}`).join('\n');
  const command = s.mode === 'tape' ? 'start-restore --tape /dev/nst0' : s.mode === 'path' ? 'start-restore DIRECTORY' : 'start-restore';
  return page(`Recovery of ${s.host}: set ${s.label}`, `
<h1>Recovery of ${escapeHtml(s.host)}</h1>
<p>With this set the machine comes back on blank disks, also smaller, larger or different ones. Nothing is written before you have seen a plan and agreed.</p>
${facts([
    ['Set', `<strong>${escapeHtml(s.label)}</strong> <span class="soft">${escapeHtml(s.setId)}</span>`], ['Made', `${escapeHtml(date(s.created))} by cdrec ${escapeHtml(s.version)}`],
    ['Rehearsed', s.rehearsed === undefined ? '<span class="bad">not yet</span>: <code>cdrec rehearse</code> proves that it works' : `${escapeHtml(date(s.rehearsed.created))}: <span class="${s.rehearsed.verdict === 'PASS' ? 'good' : 'bad'}">${s.rehearsed.verdict}</span>`],
    ['Machine', escapeHtml([s.hardware, s.os].filter((t) => t !== '').join('; '))], ['Starts by', s.firmware === 'uefi' ? `UEFI${s.secureBoot ? ', Secure Boot' : ''}` : 'BIOS'], ['You need', places],
    ...(s.network.length > 0 ? [['Network', s.network.map((n) => `<code>${escapeHtml(n)}</code>`).join(' ')] as const] : []),
  ])}
<h2>What to do</h2>
<ol>
<li>Put volume 1 (<code>${escapeHtml(s.label)}_1</code>) into the drive, or write its ISO file to a USB stick as it is (<code>dd if=FILE.iso of=/dev/STICK bs=4M</code>), or give it to the virtual machine as a CD. Start the machine from it (${s.firmware === 'uefi' ? 'by UEFI, as the machine did' : 'by BIOS or "legacy", as the machine did'}).</li>
<li>Choose <strong>Rescue system</strong>. It is ready when it shows <kbd>cdrec:~#</kbd>.</li>
<li>${s.mode === 'repository' ? 'Plug the network in: the file systems come from the repository. <kbd>network</kbd> shows and changes the addresses.' : 'Make the other volumes reachable: in further drives, on sticks, as disks of the virtual machine, or on the network.'}${s.encrypted ? ' <strong>The archives are encrypted</strong>: have the secret key or the passphrase ready.' : ''}</li>
<li>Type <kbd>${command}</kbd>. Read the plan: which disk is overwritten, what is made on it. Several disks of the same size: say which is which with <kbd>--disk ${escapeHtml(s.disks[0]?.title ?? '/dev/sda')}=/dev/NEW</kbd>.${s.luks ? ' You are asked for the passphrases of the encrypted volumes.' : ''}</li>
<li>Type the name of the disk as the plan asks. Wait for <strong>RESTORED</strong>, take the medium out, type <kbd>reboot</kbd>.</li>
</ol>
<p>Something failed? Read what it says, mend it, give the same command again: finished steps are not repeated. Only some files: <kbd>restore-fs --list</kbd>, <kbd>restore-fs --path /etc/fstab --to /tmp/x</kbd>. One disk only: <kbd>clone-dsk</kbd>. Check the set: <kbd>cdrec verify</kbd>. Save the log for somebody who helps: <kbd>save-log</kbd>.</p>
<h2>Disks</h2>
${disks}
<h2>Content</h2>
<div class="scroll" tabindex="0" role="region" aria-label="File systems of the machine"><table>
<thead><tr><th scope="col">Mounted on</th><th scope="col">Type</th><th scope="col" class="number">Used</th><th scope="col">Archive</th></tr></thead>
<tbody>
${rows}
</tbody></table></div>
<p class="soft">By hand, without this tool: ${s.mode === 'repository' ? 'the engine of the repository brings the files back' : 'every archive is a GNU tar stream in pieces that are put together by <code>cat</code>'}; README.txt on volume 1 has the command.</p>
`);
}
