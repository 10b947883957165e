export { FileTree, type TreeEntry } from './tree.js';
export { addPrograms, libraryClosure, parseLdd } from './programs.js';
export { addModules, builtinNames, closeModules, firmwareFiles, moduleNames, modulesWithoutFirmware, namesOf, parseModulesDep, type ModuleChoice } from './modules.js';
