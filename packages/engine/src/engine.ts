/** Where an engine keeps something, and what it calls it there. */
export interface Reference {
  /** Name of the engine. */
  readonly engine: string;
  /** What the engine found it by: a snapshot's id, or the line that a command printed. */
  readonly id: string;
  /** Place within it: the directory that was the root of the file system, or the file that holds the stream. */
  readonly path: string;
}

/** What is known of a thing to be saved: the engine may tag it with that. */
export interface Subject {
  readonly setId: string;
  readonly label: string;
  readonly host: string;
  /** Name of the archive in the set, unique there. */
  readonly name: string;
  /** Mount point; empty for an image of a device. */
  readonly mount: string;
}

/** A file system to be saved. Rules are relative to its root (`./x`), as tar has them: `*` matches no slash. */
export interface TreeSubject extends Subject {
  /** Directory where the file system is seen now: the mount point itself, or a snapshot of it. */
  readonly view: string;
  readonly exclude: readonly string[];
  /** Paths that alone are taken; empty: everything. */
  readonly include: readonly string[];
}

/** What was saved. */
export interface Saved {
  readonly reference: Reference;
  /** Bytes that were added to the repository; 0 when the engine does not say. */
  readonly bytes: number;
  /** Bytes of the content. */
  readonly contentBytes: number;
  /** Files that could not be read: all else is saved. */
  readonly exceptions: readonly string[];
}

/** Who is told of the progress of a long work, and what ends it. */
export interface Hooks {
  /** Bytes of content done so far. */
  readonly onBytes?: (bytes: number) => void;
  /** The file in work, as a path below the root of the file system. */
  readonly onFile?: (path: string) => void;
  /** Something that a person should see while it lasts (a server that does not answer). */
  readonly onTrouble?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** How restored files compare with what the engine has: like `Checked` of @cdrec/restore. */
export interface Compared {
  readonly entries: number;
  readonly differences: readonly string[];
}

/**
 * Saves file systems and streams somewhere and brings them back. Everything that a set needs of an engine is here: another one
 * (borg, kopia) is another implementation.
 */
export interface Engine {
  readonly name: string;
  /** Reaches the repository, proves the secrets. Called before anything is written, here or there. @throws CdrecError */
  connect(hooks?: Hooks): Promise<void>;
  /** Saves a file system with all its metadata. @throws CdrecError when it is not complete but for its exceptions */
  saveTree(tree: TreeSubject, hooks?: Hooks): Promise<Saved>;
  /** Saves a stream. `ended` is called when it is exhausted and throws if it did not end well: then nothing is saved. @throws CdrecError */
  saveStream(subject: Subject, source: AsyncIterable<Uint8Array>, ended: () => Promise<unknown>, hooks?: Hooks): Promise<Saved>;
  /** Proves that everything can be read back, byte by byte. Nothing is thrown for damage: what is wrong comes back in words. */
  verify(references: readonly Reference[], hooks?: Hooks): Promise<string[]>;
  /** Brings a file system back into a directory; with `members` (`./etc/fstab`) only these. @throws CdrecError EXTRACT_FAILED */
  restoreTree(reference: Reference, directory: string, members: readonly string[], hooks?: Hooks): Promise<void>;
  /** A stream, as it was saved. @throws CdrecError EXTRACT_FAILED */
  readStream(reference: Reference, hooks?: Hooks): AsyncGenerator<Uint8Array, void, undefined>;
  /** Tells the paths of a file system (`./etc/fstab`). @throws CdrecError */
  listTree(reference: Reference, onPath: (path: string) => void): Promise<void>;
  /** Compares a directory with what was saved. @throws CdrecError */
  compareTree(reference: Reference, directory: string, unixMetadata: boolean, hooks?: Hooks): Promise<Compared>;
}

/** One set in a repository: a build of one machine. */
export interface RepositorySet {
  readonly setId: string;
  readonly host: string;
  readonly label: string;
  /** ISO 8601. */
  readonly created: string;
  /** Bytes of content of all its snapshots. */
  readonly contentBytes: number;
  /** Bytes that this build added to the repository. */
  readonly addedBytes: number;
  /** MAC addresses of the machine. */
  readonly macs: readonly string[];
  /** Snapshot with its documents. */
  readonly document: string;
}

/** What a host said of itself later on: its rehearsals, its drift. */
export interface HostFact {
  readonly host: string;
  readonly setId: string;
  readonly created: string;
  readonly kind: 'rehearsal' | 'status';
  /** Verdict of a rehearsal, or the number of differences to the set. */
  readonly value: string;
}

/** An engine whose repository tells what is in it: several machines, many sets. */
export interface Repository extends Engine {
  /** All sets, the newest first, and what was said of them. */
  overview(): Promise<{ readonly sets: readonly RepositorySet[]; readonly facts: readonly HostFact[] }>;
  /** Completes a set: only a set with its document exists. `document` is JSON. */
  saveDocument(facts: { readonly setId: string; readonly label: string; readonly host: string; readonly macs: readonly string[] }, document: string): Promise<void>;
  readDocument(set: RepositorySet): Promise<string>;
  saveFact(fact: Omit<HostFact, 'created'>): Promise<void>;
}

/** Whether an engine can say what is in its repository. */
export const isRepository = (engine: Engine): engine is Repository => 'overview' in engine;
