// Rescue media of a sample system, one for each boot road, made as a person makes them: `cdrec build` in the sample.
import { execa } from 'execa';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { attachImage, makeBaseSystem, makeSampleDisk, withMounts } from '@cdrec/rehearse';

/**
 * Builds media in a sample system's root. `variants`: name -> { config: TOML, args: further arguments, before(root) }.
 * Returns name -> { status, said, files }. `files` are absolute paths of this machine.
 */
export async function buildMedia(dir, cache, variants) {
  mkdirSync(dir, { recursive: true });
  const disk = join(dir, 'sample.img');
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(cache), image: disk, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  const out = {};
  const loop = await attachImage(disk);
  try {
    const root = join(dir, 'root');
    const media = join(dir, 'media');
    mkdirSync(media, { recursive: true });
    await withMounts([['-t', 'ext4', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ['--bind', media, join(root, 'mnt')]], async () => {
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
      for (const [name, v] of Object.entries(variants)) {
        const place = join(media, name);
        rmSync(place, { recursive: true, force: true });
        mkdirSync(place);
        writeFileSync(join(place, 'cdrec.toml'), v.config ?? '');
        const undo = await v.before?.(root);
        const r = await execa('chroot', [root, 'cdrec', 'build', '--config', `/mnt/${name}/cdrec.toml`, '--mode', 'rescue', '--out', `/mnt/${name}`, '--exclude-mount', '/mnt', '--kernel', kernel, ...(v.args ?? [])], {
          reject: false, stdin: 'ignore', env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' },
        });
        await undo?.();
        out[name] = { status: r.exitCode, said: r.stderr, files: r.exitCode === 0 ? r.stdout.split('\n').map((l) => resolve(l.split('  ')[0].replace(/^\/mnt/, media))) : [] };
      }
    });
  } finally {
    await loop[Symbol.asyncDispose]();
  }
  rmSync(disk);
  return out;
}
