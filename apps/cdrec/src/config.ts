import { loadConfig, type Config } from '@cdrec/config';
import { DEFAULT_CONFIG_FILE } from './environment.js';


/** The configuration: the named file, else the default one if it is there. @throws CdrecError CONFIG_INVALID */
export const readConfig = (file: string | undefined): Config => loadConfig(file ?? DEFAULT_CONFIG_FILE, file !== undefined);

/** The configuration with what options of \`build\` and \`test\` add to it. @throws CdrecError CONFIG_INVALID */
export function configOf(flags: { config?: string; exclude?: string[]; excludeMount?: string[] }): Config {
  const config = readConfig(flags.config);
  return { ...config, backup: { ...config.backup, exclude: [...config.backup.exclude, ...(flags.exclude ?? [])], exclude_mounts: [...config.backup.exclude_mounts, ...(flags.excludeMount ?? [])] } };
}
