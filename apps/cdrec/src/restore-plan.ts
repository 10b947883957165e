import { existsSync, readFileSync } from 'node:fs';
import { addEsp, assignDisks, chained, convertSurvey, espDisk, joinDisks, leastDiskBytes, planRestore, readTargets, surveyOfDisk, unknownRules, withContent, withoutContent, type Plan, type SizeRules } from '@cdrec/restore';
import { parseSurvey, readNetwork, type PartitionTable, type Survey } from '@cdrec/survey';
import { CdrecError, errorCode } from '@cdrec/tool';
import type { OpenSet } from '@cdrec/volumes';
import { usageError } from './exit.js';
import { findSet } from './sets.js';
import { searchPath } from './terminal.js';

/** Only the rescue system has these: rescue.post_exec and the size rules of the configuration. */
const POST_EXEC = '/etc/cdrec/post_exec';
const RULES = '/etc/cdrec/restore.json';
/** Sectors that an MBR can count. */
const MBR_SECTORS = 2 ** 32 - 1;

/** Options that shape a plan, as commander leaves them. */
export interface PlanFlags { disk: string[]; without: string[]; grow?: boolean; fixed: string[]; weight: string[]; table: string[]; tape: string[]; check?: boolean; hook?: string; nic: string[]; empty: string[]; firmware?: string }

/** The survey of a set, wherever it lies. @throws CdrecError SET_INCOMPLETE */
export async function readSurveyOf(set: OpenSet): Promise<Survey> {
  const first = set.volumes.get(1);
  if (first !== undefined && set.manifest.mode !== 'path') return parseSurvey((await first.readFile('cdrec/survey.json')).toString('utf8'));
  if (existsSync('/etc/recovery/survey.json')) return parseSurvey(readFileSync('/etc/recovery/survey.json', 'utf8'));
  if (first !== undefined && existsSync(`${first.path}/${set.label}_1.iso`)) {
    const rescue = await findSet([`${first.path}/${set.label}_1.iso`]);
    try {
      return parseSurvey((await (rescue.set.volumes.get(1) as { readFile(f: string): Promise<Buffer> }).readFile('cdrec/survey.json')).toString('utf8'));
    } finally {
      await rescue.set.close();
    }
  }
  throw new CdrecError('SET_INCOMPLETE', 'survey.json was not found: volume 1 is needed');
}

/** Rules by flags, else those of the configuration as far as they speak of this part of the machine. @throws CdrecError USAGE */
function sizeRules(flags: Pick<PlanFlags, 'fixed' | 'weight'>, survey: Survey): SizeRules {
  const kept = existsSync(RULES) ? (JSON.parse(readFileSync(RULES, 'utf8')) as SizeRules) : {};
  const weights = flags.weight.map((text): [string, number] => {
    const match = /^(.+)=(\d+(?:\.\d+)?)$/.exec(text);
    if (match === null) throw usageError(`--weight ${text}: not NAME=NUMBER`, 'write --weight /home=3');
    return [match[1] as string, Number(match[2])];
  });
  const elsewhere = unknownRules(survey, kept);
  const known = (name: string): boolean => !elsewhere.includes(name);
  return { fixed: flags.fixed.length > 0 ? flags.fixed : (kept.fixed ?? []).filter(known), weights: Object.fromEntries(weights.length > 0 ? weights : Object.entries(kept.weights ?? {}).filter(([name]) => known(name))) };
}

/** `SOURCE=VALUE`, or a value alone where the machine had one disk. @throws CdrecError USAGE */
function bySource(option: string, texts: readonly string[], used: readonly { readonly device: string }[]): Map<string, string> {
  return new Map(texts.map((text): [string, string] => {
    const [a, b] = text.split('=');
    if (b !== undefined) return [a as string, b];
    if (used.length !== 1) throw usageError(`${option} ${text}: the machine had ${String(used.length)} disks`, `write ${option} SOURCE=${text}`);
    return [(used[0] as { device: string }).device, text];
  }));
}

/** What takes the place of which network card, by the old names. @throws CdrecError USAGE */
function nicsOf(texts: readonly string[]): Map<string, string> {
  return new Map(texts.map((text): [string, string] => {
    const match = /^([^=]+)=([^=]+)$/.exec(text);
    if (match === null) throw usageError(`--nic ${text}: not OLD=NEW`, 'write --nic eno1=ens18 (the old name, and the name or MAC address of the card that is here)');
    return [match[1] as string, match[2] as string];
  }));
}

/** Network cards of this machine; none where `ip` cannot tell (BusyBox has one without JSON). */
async function readCards(): Promise<Survey['network']> {
  try {
    return (await readNetwork(searchPath())).network;
  } catch {
    return [];
  }
}

function tables(flags: PlanFlags, used: readonly { readonly device: string }[]): Map<string, PartitionTable['type']> {
  return new Map([...bySource('--table', flags.table, used)].map(([device, kind]) => {
    if (kind !== 'gpt' && kind !== 'mbr' && kind !== 'dos') throw usageError(`--table ${kind}: gpt or mbr`);
    if (!used.some((d) => d.device === device)) throw usageError(`--table: ${device} is no disk of the survey`, `its disks are ${used.map((d) => d.device).join(', ')}`);
    return [device, kind === 'gpt' ? 'gpt' : 'dos'];
  }));
}

/** How the restored system is to start: as this machine was started, unless somebody says otherwise. @throws CdrecError USAGE */
function firmwareOf({ firmware }: PlanFlags): 'bios' | 'uefi' {
  if (firmware !== undefined && firmware !== 'bios' && firmware !== 'uefi') throw usageError(`--firmware ${firmware}: bios or uefi`);
  return firmware ?? (existsSync('/sys/firmware/efi') ? 'uefi' : 'bios');
}

/** A plan for the whole machine, or for one disk of it (`only`). `places`: where the set lies, which is never written to. */
export async function makePlan(set: OpenSet, places: readonly string[], flags: PlanFlags, only?: string): Promise<Plan> {
  try {
    return await planWith(set, places, flags, only, false);
  } catch (error) {
    // Where there is just room for what there was, it comes back as it was, with a warning; unless somebody asked for more.
    if (!['DISK_TOO_SMALL', 'DISK_MISSING'].includes(errorCode(error) ?? '') || firmwareOf(flags) !== 'uefi' || flags.firmware !== undefined) throw error;
    return await planWith(set, places, flags, only, true).catch(() => { throw error; });
  }
}

/** `noEsp`: a machine that started by BIOS gets no EFI system partition. */
async function planWith(set: OpenSet, places: readonly string[], flags: PlanFlags, only: string | undefined, noEsp: boolean): Promise<Plan> {
  const whole = withoutContent(withContent(await readSurveyOf(set), set.manifest.archives), set.manifest.archives, flags.empty);
  const { survey: chosenPart, without: gone } = only === undefined ? { survey: whole, without: [] } : surveyOfDisk(whole, only);
  const without = [...flags.without, ...gone];
  const all = chosenPart.disks.filter((d) => d.used && !without.includes(d.device));
  const chosen = bySource('--disk', flags.disk, all);
  // Those that go onto one new disk are one disk from here on.
  const { survey: part, partUuids: joined, others } = joinDisks(chosenPart, new Map([...chosen].filter(([source]) => all.some((d) => d.device === source))));
  for (const rest of others.values()) for (const d of rest) chosen.delete(d.device);
  const used = part.disks.filter((d) => d.used && !without.includes(d.device));
  const grow = flags.grow === true || flags.weight.length > 0;
  const rules = sizeRules(flags, part);
  const targets = await readTargets(places);
  const firmware = firmwareOf(flags);
  const wanted = tables(flags, used);
  // What started by BIOS alone, on a machine that was started by UEFI, gets an ESP, on a GPT.
  const esp = firmware === 'uefi' ? espDisk(part) : undefined;
  const newEsp = noEsp || esp === undefined || !used.some((d) => d.device === esp) || wanted.get(esp) === 'dos' ? undefined : esp;
  if (newEsp !== undefined) wanted.set(newEsp, 'gpt');
  const convert = (to: ReadonlyMap<string, PartitionTable['type']>): ReturnType<typeof convertSurvey> => {
    const c = convertSurvey(part, to);
    return newEsp === undefined ? c : { ...c, survey: addEsp(c.survey, newEsp) };
  };
  const assign = (survey: Survey): ReturnType<typeof assignDisks> =>
    assignDisks(survey.disks.filter((d) => used.some((u) => u.device === d.device)), targets, chosen, (d) => leastDiskBytes(survey, d, rules)).map((a) => {
      const more = others.get(a.source.device);
      return more === undefined ? a : { ...a, others: more };
    });
  let converted = convert(wanted);
  let assignments = assign(converted.survey);
  // A disk that is to be used whole, and is too large for its MBR.
  const large = assignments.filter((a) => grow && a.source.table?.type === 'dos' && !wanted.has(a.source.device) && a.target.bytes / a.target.sectorBytes > MBR_SECTORS);
  if (large.length > 0) {
    converted = convert(new Map([...wanted, ...large.map((a): [string, 'gpt'] => [a.source.device, 'gpt'])]));
    assignments = assign(converted.survey);
  }
  const hooks = { ...(existsSync(POST_EXEC) ? { postExec: POST_EXEC } : {}), ...(flags.hook === undefined ? {} : { hook: flags.hook }) };
  return planRestore({
    survey: converted.survey, partUuids: chained(joined, converted.partUuids), archives: set.manifest.archives, assignments, without, grow, rules, setId: set.setId, firmware, empty: flags.empty, newEsp: newEsp !== undefined, check: flags.check === true, attached: targets, ...(flags.nic.includes('none') ? {} : { cards: await readCards(), nics: nicsOf(flags.nic) }), ...hooks,
  });
}
