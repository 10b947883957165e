export { isRepository } from './engine.js';
export type { Compared, Engine, Hooks, HostFact, Reference, Repository, RepositorySet, Saved, Subject, TreeSubject } from './engine.js';
export { hasPassword, isLocal, needsOf, parseEnvironment, shownLocation, sshHost, type Access } from './access.js';
export { ResticEngine } from './restic.js';
export type { ResticOptions } from './restic-run.js';
export { CommandEngine, type Commands } from './command.js';
export { hostRows, type HostRow } from './fleet.js';
