export { FileTree, type TreeEntry } from './tree.js';
export { readDynamic, type Dynamic } from './elf.js';
export { libraryClosure, parseLdd } from './libraries.js';
export { addPrograms } from './programs.js';
export { addModules, builtinNames, closeModules, firmwareFiles, moduleNames, modulesWithoutFirmware, namesOf, parseModulesDep, type ModuleChoice } from './modules.js';
