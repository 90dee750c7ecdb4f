// Zip archives whose entries are not compressed, such as the page makes them.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const STORED = 0;

/** Unpacks an archive, a Buffer, into `folder`; the names of its entries. */
export function unzip(archive, folder) {
  const end = archive.lastIndexOf(Buffer.from(Uint32Array.of(END).buffer));
  let at = archive.readUInt32LE(end + 16);
  const names = [];
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== ENTRY) throw new Error(`no entry at byte ${at}`);
    if (archive.readUInt16LE(at + 10) !== STORED) throw new Error("a compressed entry");
    const size = archive.readUInt32LE(at + 24);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => archive.readUInt16LE(at + place));
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, archive.subarray(start, start + size));
    names.push(name);
    at += 46 + nameLength + extraLength + commentLength;
  }
  return names;
}
