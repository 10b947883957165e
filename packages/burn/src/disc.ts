import { statSync } from 'node:fs';
import { CdrecError, findProgram, installHint, runTool } from '@cdrec/tool';

/** What is in a drive. `profile` is the drive's own word (`CD-R`, `DVD+R`, `BD-RE`...); `free` in bytes. */
export interface Disc {
  readonly profile: string;
  readonly state: 'none' | 'blank' | 'appendable' | 'closed';
  /** It can be written again after it was blanked, or simply over what is there. */
  readonly rewritable: boolean;
  readonly free: number;
}

/** Programs that burn. */
export const BURN_PROGRAMS = ['xorriso', 'growisofs', 'wodim'] as const;
export type BurnProgram = (typeof BURN_PROGRAMS)[number];

const UNITS: Readonly<Record<string, number>> = { '': 2048, s: 2048, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads what `xorriso -outdev DRIVE -toc` says. */
export function parseDisc(text: string): Disc {
  const profile = /^Media current: (.+)$/m.exec(text)?.[1]?.trim() ?? '';
  const status = /^Media status : (.+)$/m.exec(text)?.[1] ?? '';
  const free = /^Media summary: .*?, +([\d.]+)([skmg]?) free/m.exec(text);
  return {
    profile,
    state: profile === '' || profile.startsWith('is not') || status.includes('not recognizable') || status.includes('is not present') ? 'none' : status.includes('blank') ? 'blank' : status.includes('appendable') ? 'appendable' : 'closed',
    rewritable: /RW|RE\b|RAM|stdio/.test(profile),
    free: free === null ? 0 : Math.floor(Number(free[1]) * (UNITS[free[2] as string] as number)),
  };
}

/** Looks at the disc in a drive. @throws CdrecError TOOL_MISSING, BURN_DRIVE when there is no such drive */
export async function readDisc(drive: string): Promise<Disc> {
  // xorriso takes every other path for a file to be written into, and would make it.
  if (!drive.startsWith('stdio:') && statSync(drive, { throwIfNoEntry: false })?.isBlockDevice() !== true) throw new CdrecError('BURN_DRIVE', `${drive} is no drive`, { hint: 'name the burner: /dev/sr0' });
  const { stdout, stderr, status } = await runTool('xorriso', ['-abort_on', 'NEVER', '-outdev', drive, '-toc'], { ok: [0, 5, 32] });
  const text = `${stdout}\n${stderr}`;
  if (/Drive address .* not|Cannot open|does not exist|Drive is not|not a proper/i.test(text) && !text.includes('Media current')) throw new CdrecError('BURN_DRIVE', `${drive} cannot be used as a burner (status ${String(status)}): ${text.trim().split('\n').filter((l) => /FAILURE|FATAL|SORRY/.test(l)).slice(-2).join('; ')}`, { hint: 'name the drive: /dev/sr0' });
  return parseDisc(text);
}

/**
 * The program that burns: the wished one, else xorriso, which knows every kind of disc, else growisofs for DVD and BD,
 * else wodim for CD. `path` is a PATH. @throws CdrecError TOOL_MISSING
 */
export function chooseBurnProgram(wish: BurnProgram | 'auto', profile: string, path: string): BurnProgram {
  const order: readonly BurnProgram[] = wish !== 'auto' ? [wish] : profile.startsWith('CD') ? ['xorriso', 'wodim'] : ['xorriso', 'growisofs'];
  const found = order.find((p) => findProgram(p, path) !== undefined);
  if (found === undefined) throw new CdrecError('TOOL_MISSING', `no program that burns ${profile}: ${order.join(', ')}`, { hint: installHint(order[0] as string) });
  return found;
}

/** Arguments that burn an image as a whole, closed disc. `speed` 0 is the drive's own choice. */
export function burnArguments(program: BurnProgram, drive: string, image: string, speed: number, profile: string): string[] {
  const s = speed === 0 ? [] : [`speed=${String(speed)}`];
  switch (program) {
    // Track at once: drives without RESERVE TRACK exist. 300 KiB of padding on CD, because the last blocks of such a track may not be readable.
    case 'xorriso': return ['-as', 'cdrecord', '-v', '-tao', ...s, ...(profile.startsWith('CD') ? ['padsize=300k'] : []), `dev=${drive}`, image];
    case 'growisofs': return ['-dvd-compat', '-use-the-force-luke=notray,noload,tty', ...(speed === 0 ? [] : [`-speed=${String(speed)}`]), '-Z', `${drive}=${image}`];
    // Its driver for DVD writes a disc at once only (SAO); padding is for CD's track at once.
    case 'wodim': return ['-v', ...(profile.startsWith('CD') ? ['-tao', '-pad'] : ['-sao']), ...s, `dev=${drive}`, image];
  }
}

/** How a disc is burned. */
export interface BurnOptions {
  readonly program: BurnProgram | 'auto';
  readonly speed: number;
  readonly path: string;
  readonly signal?: AbortSignal;
}

/** Makes a rewritable disc blank, if it needs that. @throws CdrecError BURN_FAILED */
export async function blankDisc(drive: string): Promise<void> {
  await burnTool('xorriso', ['-outdev', drive, '-blank', 'as_needed'], undefined, 'blanking');
}

async function burnTool(program: string, args: readonly string[], signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await runTool(program, args, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof CdrecError) || error.code !== 'TOOL_FAILED') throw error;
    const lines = error.message.split(/[\n\r]/).filter((l) => /FAILURE|FATAL|SORRY|:-\(|error|Errno|fail/i.test(l));
    throw new CdrecError('BURN_FAILED', `${what} with ${program} failed: ${lines.slice(-3).join('; ') || error.message.slice(-300)}`, { cause: error });
  }
}

/**
 * Burns an image onto the disc in a drive; the disc is closed. It is not compared here: see `verifyDevice`.
 * @throws CdrecError BURN_NO_DISC, BURN_NOT_BLANK, BURN_TOO_SMALL, BURN_FAILED, INTERRUPTED
 */
export async function burnDisc(image: string, drive: string, options: BurnOptions): Promise<Disc> {
  const disc = await readDisc(drive);
  const { size } = statSync(image);
  if (disc.state === 'none') throw new CdrecError('BURN_NO_DISC', `there is no disc in ${drive}`);
  if (disc.state !== 'blank' && !disc.rewritable) throw new CdrecError('BURN_NOT_BLANK', `the ${disc.profile} in ${drive} is not blank`);
  if (disc.state !== 'blank') await blankDisc(drive);
  if (disc.free > 0 && disc.state === 'blank' && size > disc.free) throw new CdrecError('BURN_TOO_SMALL', `the ${disc.profile} in ${drive} takes ${String(disc.free)} bytes, the image has ${String(size)}`);
  const program = chooseBurnProgram(options.program, disc.profile, options.path);
  await burnTool(program, burnArguments(program, drive, image, options.speed, disc.profile), options.signal, 'burning');
  return disc;
}

/** Opens the tray, or closes it (`load`); a drive that cannot is no error: then a person does it. */
export async function moveTray(drive: string, to: 'eject' | 'load'): Promise<boolean> {
  try {
    await runTool('eject', [...(to === 'load' ? ['-t'] : []), drive], { timeout: 60_000 });
    return true;
  } catch (error) {
    if (error instanceof CdrecError) return false;
    throw error;
  }
}
