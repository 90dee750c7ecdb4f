// The build of the page: what it compresses, and the budget that it keeps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { BUDGET, weigh } from "../../web/build/budget.mjs";
import { brotli, gzip, quality, SMALLEST } from "../../web/build/compress.mjs";

const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `row ${index % 97}\n`).join(""));

test("what is compressed reads back the same", () => {
  assert.deepEqual(brotliDecompressSync(brotli(bytes)), bytes);
  assert.deepEqual(brotliDecompressSync(brotli(bytes, quality("quick"))), bytes);
  assert.deepEqual(gunzipSync(gzip(bytes)), bytes);
});

test("what ships is compressed as far as it goes", () => {
  assert.equal(quality("engine"), SMALLEST);
  assert.ok(brotli(bytes).length < gzip(bytes).length);
  assert.ok(quality("quick") < SMALLEST);
});

test("a page within its budget has no problem", () => {
  assert.deepEqual(
    weigh([
      { name: "web.wasm", bytes: BUDGET - 1 },
      { name: "a.js", bytes: 1 },
    ]),
    { total: BUDGET },
  );
});

test("a page over its budget is told its largest files, the largest first", () => {
  const files = Array.from({ length: 9 }, (_, number) => ({ name: `file${number}`, bytes: number * 11_000 }));
  const { total, problem } = weigh(files);
  assert.equal(total, 396_000);
  assert.match(problem, /396\.0 kB of Brotli, over its budget of 300\.0 kB/);
  assert.deepEqual(problem.match(/file\d/g), ["file8", "file7", "file6", "file5", "file4"]);
});
