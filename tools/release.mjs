// Files for servers without Node: cdrec-VERSION-linux-x64.tar.gz and cdrec_VERSION_amd64.deb, with Node inside. The same sources, Node and
// SOURCE_DATE_EPOCH (default: the last commit's time) give the same bytes. Run after a build.
// usage: node tools/release.mjs [--out DIRECTORY] [--try]      (--try: for tests; Node's licence text may be missing)
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';

const flag = (name) => process.argv.indexOf(name);
const out = resolve(flag('--out') < 0 ? 'release' : process.argv[flag('--out') + 1]);
const { version, description } = JSON.parse(readFileSync('apps/cdrec/package.json', 'utf8'));
const bundle = 'apps/cdrec/dist/bundle';
if (process.arch !== 'x64' || process.platform !== 'linux') throw new Error(`this is ${process.platform}-${process.arch}: releases are made on linux-x64`);
if (!existsSync(join(bundle, 'cdrec.mjs'))) throw new Error(`${bundle} is missing: npm run build`);
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? (await execa('git', ['log', '-1', '--format=%ct'])).stdout);
const node = realpathSync(process.execPath);
const prefix = dirname(dirname(node));
const licence = [join(prefix, 'LICENSE'), join(prefix, 'share/doc/nodejs/LICENSE'), join(prefix, 'share/doc/node/LICENSE')].find((p) => existsSync(p));
if (licence === undefined && flag('--try') < 0) throw new Error(`Node's licence was not found below ${prefix}: it must go along with its binary`);

const work = join(out, '.work');
rmSync(work, { recursive: true, force: true });
const put = (path, data, mode = 0o644) => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (Buffer.isBuffer(data) || typeof data === 'string') writeFileSync(path, data);
  else cpSync(data.file, path);
  chmodSync(path, mode);
};
/** All times are one, all modes are set: nothing of this machine gets in. */
function level(directory) {
  for (const e of readdirSync(directory, { withFileTypes: true })) {
    const full = join(directory, e.name);
    if (e.isDirectory()) level(full);
    else if (e.isFile()) utimesSync(full, epoch, epoch);
  }
  chmodSync(directory, 0o755);
  utimesSync(directory, epoch, epoch);
}
/** What both have: Node, the program, manual pages, completions, papers. */
function common({ lib, share, doc }) {
  put(join(lib, 'node'), { file: node }, 0o755);
  for (const file of readdirSync(bundle, { recursive: true })) if (statSync(join(bundle, file)).isFile()) put(join(lib, 'bundle', file), { file: join(bundle, file) }, file === 'cdrec' ? 0o755 : 0o644);
  for (const page of readdirSync('docs/man')) put(join(share, 'man/man8', `${page}.gz`), gzipSync(readFileSync(join('docs/man', page)), { level: 9 }));
  put(join(share, 'bash-completion/completions/cdrec'), { file: 'docs/completions/cdrec.bash' });
  put(join(share, 'zsh/vendor-completions/_cdrec'), { file: 'docs/completions/cdrec.zsh' });
  put(join(share, 'fish/vendor_completions.d/cdrec.fish'), { file: 'docs/completions/cdrec.fish' });
  for (const paper of ['restore-guide.md', 'user-guide.md', 'configuration.md', 'format.md']) put(join(doc, paper), { file: join('docs', paper) });
  put(join(doc, 'LICENSE'), { file: 'LICENSE' });
  if (licence !== undefined) put(join(doc, 'LICENSE.node'), { file: licence });
}

// The tarball: unpacked anywhere, run in place.
const name = `cdrec-${version}-linux-x64`;
const tree = join(work, name);
common({ lib: join(tree, 'lib'), share: join(tree, 'share'), doc: join(tree, 'doc') });
put(join(tree, 'bin/cdrec'), '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nCDREC_NODE="$here/../lib/node" exec "$here/../lib/bundle/cdrec" "$@"\n', 0o755);
put(join(tree, 'README'), `cdrec ${version} with Node ${process.version}. Nothing else is needed to start it: bin/cdrec --help\nWhat a build needs of the system: bin/cdrec test (--fix installs it)\n`);
level(tree);
mkdirSync(out, { recursive: true });
const tarball = join(out, `${name}.tar.gz`);
await execa('bash', ['-c', 'set -o pipefail; tar --create --directory="$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$2" --format=gnu "$3" | gzip -6n > "$4.partial" && mv "$4.partial" "$4"', 'sh', work, String(epoch), name, tarball]);

// The package for Debian and its kin.
const root = join(work, 'deb');
common({ lib: join(root, 'usr/lib/cdrec'), share: join(root, 'usr/share'), doc: join(root, 'usr/share/doc/cdrec') });
put(join(root, 'usr/bin/cdrec'), '#!/bin/sh\nCDREC_NODE=/usr/lib/cdrec/node exec /usr/lib/cdrec/bundle/cdrec "$@"\n', 0o755);
rmSync(join(root, 'usr/share/doc/cdrec/LICENSE'));
put(join(root, 'usr/share/doc/cdrec/copyright'), `cdrec\nLicence: GPL-2.0-or-later; on Debian systems its text is /usr/share/common-licenses/GPL-2.\nNode.js ${process.version} (/usr/lib/cdrec/node) has its own licence: LICENSE.node\n`);
mkdirSync(join(root, 'etc/cdrec'), { recursive: true });
for (const alias of ['start-restore', 'clone-dsk', 'restore-fs']) symlinkSync('cdrec.8.gz', join(root, `usr/share/man/man8/${alias}.8.gz`));
const size = Number((await execa('du', ['-sk', '--apparent-size', root])).stdout.split('\t')[0]);
put(join(root, 'DEBIAN/control'), `Package: cdrec
Version: ${version}
Architecture: amd64
Maintainer: cdrec contributors <cdrec@localhost>
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), libgcc-s1 | libgcc1, tar, mount, util-linux, kmod, fdisk
Recommends: squashfs-tools, zstd, isolinux, syslinux-common, grub-efi-amd64-bin, grub-common, udev
Suggests: qemu-system-x86, ovmf, shim-signed, grub-efi-amd64-signed, memtest86+, age, par2, xorriso, mt-st, isc-dhcp-client
Section: admin
Priority: optional
Description: ${description}
 cdrec build turns a running machine into a bootable recovery set: ISO volumes
 with a rescue system made of its own kernel and programs, a survey of its
 disks, and backups of its file systems. cdrec rehearse proves in a virtual
 machine that the set brings the machine back.
 .
 This package brings its own Node.js.
`);
level(root);
const deb = join(out, `cdrec_${version}_amd64.deb`);
await execa('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', root, `${deb}.partial`], { env: { SOURCE_DATE_EPOCH: String(epoch) } });
await execa('mv', [`${deb}.partial`, deb]);
rmSync(work, { recursive: true });
const { stdout } = await execa('sha256sum', [`${name}.tar.gz`, `cdrec_${version}_amd64.deb`], { cwd: out });
writeFileSync(join(out, 'SHA256SUMS'), `${stdout}\n`);
for (const file of [tarball, deb]) console.log(`${file}  ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB`);
