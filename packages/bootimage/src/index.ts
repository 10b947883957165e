export { buildFatImage, type FatFile } from './fat.js';
export { grubMenu, isolinuxMenu, type MenuOptions } from './menus.js';
export { addBootFiles, findBootParts, prepareBoot, type BootParts, type PreparedBoot } from './bootimage.js';
