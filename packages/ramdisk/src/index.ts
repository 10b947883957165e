export { buildRescueTree, type RescueOptions, type RescueTree } from './rescue.js';
export { packImage, type ImageFormat } from './image.js';
export { RESCUE_PROGRAMS } from './programs.js';
