// After Trunk has built the page: strips its module, and compresses what a server may send so.
import { readdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { stripped } from "./wasm.mjs";

const staging = process.env.TRUNK_STAGING_DIR;

for (const name of readdirSync(staging)) {
  const file = join(staging, name);
  if (name.endsWith(".wasm")) writeFileSync(file, stripped(readFileSync(file)));
}
for (const entry of readdirSync(staging, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath ?? entry.path, entry.name);
  if (/\.(?:wasm|js|css)$/.test(entry.name) && !existsSync(`${file}.gz`)) {
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
  }
}
