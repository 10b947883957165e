import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

/** Options of a kernel's configuration: `y`, `m`, or a value; options that are not set are absent. */
export type KernelConfig = ReadonlyMap<string, string>;

/** Parses the text of a kernel's .config. */
export function parseKernelConfig(text: string): KernelConfig {
  return new Map([...text.matchAll(/^CONFIG_(\w+)=(.*)$/gm)].map((m) => [m[1] as string, m[2] as string]));
}

/** The configuration of a kernel of this machine, or undefined when it is published nowhere. */
export function readKernelConfig(version: string): KernelConfig | undefined {
  for (const file of [`/boot/config-${version}`, `/lib/modules/${version}/config`, `/usr/lib/modules/${version}/config`, `/usr/lib/kernel/config-${version}`]) {
    if (existsSync(file)) return parseKernelConfig(readFileSync(file, 'utf8'));
  }
  return version === release() && existsSync('/proc/config.gz') ? parseKernelConfig(gunzipSync(readFileSync('/proc/config.gz')).toString('utf8')) : undefined;
}

/** What the rescue system cannot do without, with the module that brings it when it is not built in. */
const REQUIRED: readonly { option: string; module?: string; why: string; image?: string }[] = [
  { option: 'BLK_DEV_INITRD', why: 'the kernel could not load the first stage' },
  { option: 'RD_GZIP', why: 'the kernel could not unpack the first stage' },
  { option: 'DEVTMPFS', why: 'there would be no device nodes' },
  { option: 'TMPFS', why: 'the rescue system lies in memory' },
  { option: 'BINFMT_SCRIPT', why: '/init is a script' },
  { option: 'ISO9660_FS', module: 'isofs', why: 'the medium could not be mounted' },
  { option: 'BLK_DEV_SR', module: 'sr_mod', why: 'CD and DVD drives would not be found' },
  { option: 'BLK_DEV_LOOP', module: 'loop', why: 'rd-base could not be mounted' },
  { option: 'SQUASHFS', module: 'squashfs', why: 'rd-base could not be mounted', image: 'squashfs' },
  { option: 'SQUASHFS_ZSTD', why: 'rd-base could not be unpacked', image: 'squashfs' },
  { option: 'OVERLAY_FS', module: 'overlay', why: 'the rescue system could not be written to', image: 'squashfs' },
];

/** An option that is missing, or whose module is not on the disk. */
export interface KernelLack { readonly option: string; readonly why: string; readonly module: string | undefined }

/**
 * What a kernel lacks for a rescue system with the given form of rd-base. `modules` are the names of the modules on the
 * disk. Pure.
 */
export function kernelLacks(config: KernelConfig, modules: ReadonlySet<string>, image: string): KernelLack[] {
  return REQUIRED.filter((r) => r.image === undefined || r.image === image).flatMap((r): KernelLack[] => {
    const value = config.get(r.option);
    if (value === undefined) return [{ option: r.option, why: r.why, module: undefined }];
    return value === 'm' && r.module !== undefined && !modules.has(r.module) ? [{ option: r.option, why: r.why, module: r.module }] : [];
  });
}
