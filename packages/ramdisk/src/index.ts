export { buildRescueTree, type RescueOptions, type RescueTree } from './rescue.js';
export { packImage, usableFormat, type ImageFormat } from './image.js';
export { MODULE_DIRECTORIES, RESCUE_PROGRAMS } from './programs.js';
export { DHCP_CLIENTS, findDhcpClient, type DhcpClient } from './dhcp.js';
export { readKeymap } from './keymap.js';
export { networkLines, type SurveyedNetwork } from './network.js';
export { authorizedKeys } from './ssh.js';
