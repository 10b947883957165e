export { escapeHtml, formatSize, formatTime, page } from './html.js';
export { diskMapSvg, type MapDisk, type MapPart } from './map.js';
export { recoverySheet, type Sheet } from './sheet.js';
export { fleetPage, type FleetRow } from './fleet.js';
export { rehearsalPage, type RehearsalPage } from './rehearsal.js';
