export { FileTree, type TreeEntry } from './tree.js';
export { addPrograms, libraryClosure, parseLdd } from './programs.js';
export { addModules, closeModules, firmwareFiles, parseModulesDep, type ModuleChoice } from './modules.js';
