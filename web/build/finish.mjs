// After Trunk has built the page: strips its module, compresses what a server may send so, and checks
// that the page keeps its budget.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";

import { kilobytes, weigh } from "./budget.mjs";
import { brotli, gzip } from "./compress.mjs";
import { stripped } from "./wasm.mjs";

const staging = process.env.TRUNK_STAGING_DIR;

const files = readdirSync(staging, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
const isEngine = (file) => relative(staging, file).includes("engine-");

for (const file of files) {
  if (file.endsWith(".wasm") && !isEngine(file)) writeFileSync(file, stripped(readFileSync(file)));
}

const later = new Set();
for (const list of files.filter((file) => basename(file) === "later.json")) {
  for (const name of JSON.parse(readFileSync(list, "utf8"))) later.add(name);
  rmSync(list);
}

const first = [];
let follows = 0;
for (const file of files.filter((file) => /\.(?:wasm|js|css|html)$/.test(file))) {
  const bytes = readFileSync(file);
  // The engine's module has been compressed when it was made.
  const compressed = existsSync(`${file}.br`) ? readFileSync(`${file}.br`) : brotli(bytes);
  writeFileSync(`${file}.br`, compressed);
  if (!existsSync(`${file}.gz`)) writeFileSync(`${file}.gz`, gzip(bytes));
  if (isEngine(file)) continue;
  if (later.has(basename(file))) follows += compressed.length;
  else first.push({ name: relative(staging, file), bytes: compressed.length });
}

const { total, problem } = weigh(first);
if (problem) {
  console.error(problem);
  process.exit(1);
}
console.log(
  `The page starts with ${kilobytes(total)} of Brotli; then come the editor proper, ${kilobytes(follows)}, and the engine.`,
);
