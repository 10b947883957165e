// Writes a tree as a hybrid image: run in other directories, locales, time zones and as other users by the tests.
import { IsoImage, writeImageFile } from '@cdrec/iso9660';

const [tree, out] = process.argv.slice(2);
const iso = new IsoImage({
  volumeId: 'SAME', date: Date.UTC(2026, 0, 1), udf: true, level: 4,
  boot: { entries: [{ path: 'boot.img', infoTable: true }], mbr: { code: Buffer.alloc(440, 0x90), kind: 'isolinux' }, esp: Buffer.alloc(50_000, 3) },
});
const { problems } = iso.addTree(tree);
if (problems.length > 0) throw new Error(JSON.stringify(problems));
const report = writeImageFile(iso.plan(), out);
if (report.problems.length > 0) throw new Error(JSON.stringify(report.problems));
