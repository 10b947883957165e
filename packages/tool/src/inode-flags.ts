/**
 * Letters of the inode flags that an administrator sets and a file system keeps (chattr(1)): append only, no access times,
 * compressed, no copy on write, names whatever their case, no dump, synchronous, immutable, journalled data, project inheritance... Not those that
 * describe how a file happens to be stored (extents, index, inline data, verity, encryption).
 */
export const INODE_FLAGS = 'aAcCdDFijmPSsTtux';
