export { configJsonSchema, configSchema, DEFAULT_CONFIG, loadConfig, parseConfig, type Config } from './config.js';
export { parseSize, VOLUME_SIZES } from './sizes.js';
