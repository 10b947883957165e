import type { Archive, ArchiveMeta } from './manifest.js';

/** What all volumes of a set have in common. `created` in milliseconds since 1970. */
export interface SetHeader {
  readonly setId: string;
  readonly label: string;
  readonly created: number;
  readonly host: string;
  /** Age identity of the set, locked by a passphrase. */
  readonly key?: string;
}

/** Boot areas of volume 1. */
export interface VolumeBoot {
  /** Code of the hybrid MBR (isohdpfx.bin of SYSLINUX, boot_hybrid.img of GRUB), and whose it is. */
  readonly mbr?: { readonly code: Buffer; readonly kind: 'isolinux' | 'grub2' };
  readonly esp?: Buffer;
}

/** A set that is complete and has its final names. */
export interface FinishedSet {
  /** Volumes (or the directory) with their sizes in bytes. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly archives: readonly Archive[];
  /** Number of tapes, of a set on tape. */
  readonly tapes?: number;
}

/** Takes archives one after another and makes a set of them. */
export interface SetWriter {
  /**
   * Stores one archive. `ended` is called when the source is exhausted and says how much tar wrote and which files
   * were troublesome; it may throw when the source did not end well.
   */
  addArchive(meta: ArchiveMeta, source: AsyncIterable<Uint8Array>, ended: () => Promise<{ contentBytes: number; exceptions: readonly string[] }>): Promise<Archive>;
  /** Completes the last volume and gives all files their final names. */
  finish(): Promise<FinishedSet>;
  /** Removes everything that was written. */
  abort(): Promise<void>;
}
