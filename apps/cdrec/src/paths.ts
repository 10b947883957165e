/** Where the configuration is looked for. */
export const DEFAULT_CONFIG_FILE = '/etc/cdrec/cdrec.toml';
