// node query.mjs WARM_RUNS: measures, and prints a table. See xtask/src/bench.rs for the environment.
//
// Cold: the first run of a query in a fresh browser profile (a new native engine), with the engine
// loaded and nothing of the table read. Warm: the median of the runs after it, in the same page.
// Each engine reads the same files from the same server on loopback, which counts the requests.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { launch, Page } from "../browser/support/page.mjs";
import { run, temporaryFolder } from "../browser/support/processes.mjs";
import { serveLakeglass } from "./lakeglass.mjs";
import { StaticServer } from "./static-server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.env.LAKEGLASS_BENCH_DATA;
const warmRuns = Number(process.argv[2] ?? 5);
const commit = readFileSync(join(folder, "transactions/_delta_log/00000000000000000000.json"), "utf8");
const files = commit
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line).add)
  .filter(Boolean);

/** The page of DuckDB-WASM, bundled. */
async function bundleDuckDb() {
  const site = join(folder, "duckdb");
  mkdirSync(site, { recursive: true });
  const dist = join(here, "node_modules/@duckdb/duckdb-wasm/dist");
  for (const name of [
    "duckdb-mvp.wasm",
    "duckdb-eh.wasm",
    "duckdb-browser-mvp.worker.js",
    "duckdb-browser-eh.worker.js",
  ]) {
    cpSync(join(dist, name), join(site, name));
  }
  await build({
    entryPoints: [join(here, "duckdb.js")],
    bundle: true,
    format: "esm",
    outfile: join(site, "bundle.js"),
    logLevel: "error",
  });
  writeFileSync(
    join(site, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="bundle.js"></script>',
  );
}

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

/** Runs a query cold, then warm; `execute` runs it once and returns its rows. */
async function measure(server, execute) {
  const times = [];
  let rows, cold;
  for (let index = 0; index <= warmRuns; index++) {
    server.take();
    const started = performance.now();
    rows = await execute();
    times.push(performance.now() - started);
    if (index === 0) cold = server.take();
  }
  const warm = server.take();
  return { rows, cold: times[0], warm: median(times.slice(1)), coldCost: cold, warmCost: warm };
}

/** Rows of different engines: numbers may differ in their last digits, and in how they are written. */
function assertSameRows(name, ours, theirs) {
  assert.equal(theirs.length, ours.length, `${name}: as many rows`);
  for (const [index, row] of ours.entries()) {
    for (const [column, cell] of row.entries()) {
      const other = theirs[index][column];
      const [a, b] = [Number(cell), Number(other)];
      if (Number.isNaN(a)) assert.equal(other, cell, name);
      else assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)), `${name}: ${cell}, ${other}`);
    }
  }
}

const server = await StaticServer.start(folder);
const table = `${server.url}/transactions`;
const parquet = files.map(({ path }) => `'${table}/${path}'`).join(", ");
const data = temporaryFolder("bench");
const lakeglass = await serveLakeglass(data);
await bundleDuckDb();
const browser = await launch();

/** A fresh profile with Lakeglass's engine loaded. */
async function openLakeglass() {
  const page = await Page.open(browser, lakeglass.url);
  await page.rows("SELECT 1");
  return page;
}

/** A fresh profile with DuckDB's engine loaded. */
async function openDuckDb() {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.goto(`${server.url}/duckdb/index.html`);
  await tab.waitForFunction(() => window.duck, undefined, { timeout: 60_000 });
  await tab.evaluate(() => window.duck.run("SELECT 1"));
  return tab;
}

// An id from the middle of the table, so that no engine finds it by luck.
const finder = await openLakeglass();
const [[id]] = await finder.rows(
  `SELECT transaction_id FROM delta.\`${table}\` WHERE timestamp >= TIMESTAMP '2025-01-01 00:00:00' ORDER BY timestamp LIMIT 1`,
);
await finder.close();
const queries = JSON.parse(readFileSync(join(here, "queries.json"), "utf8")).map((query) => ({
  ...query,
  sql: query.sql.replace("$ID", id),
}));

const results = [];
for (const { name, sql } of queries) {
  const page = await openLakeglass();
  const ours = await measure(server, () => page.rows(sql.replace("$TABLE", `delta.\`${table}\``)));
  await page.close();
  const tab = await openDuckDb();
  const theirs = await measure(server, () =>
    tab.evaluate((sql) => window.duck.run(sql), sql.replace("$TABLE", `parquet_scan([${parquet}])`)),
  );
  await tab.context().close();
  assertSameRows(`${name}, DuckDB`, ours.rows, theirs.rows);
  results.push({ name, ours, theirs });
}

const queriesFile = join(data, "queries.json");
writeFileSync(queriesFile, JSON.stringify(queries));
const lines = await run(process.env.LAKEGLASS_BENCH, ["run", table, queriesFile, "--warm", `${warmRuns}`]);
for (const [index, line] of lines.trim().split("\n").entries()) {
  const { times, rows } = JSON.parse(line);
  assertSameRows(`${results[index].name}, native`, results[index].ours.rows, rows);
  results[index].native = { cold: times[0], warm: median(times.slice(1)) };
}

await browser.close();
await lakeglass.process.stop();
server.stop();

const ms = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const ratio = (a, b) => `${(a / b).toFixed(2)}×`;
const size = (bytes) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const cost = ({ requests, bytes }) => `${requests} / ${size(bytes)}`;
const total = files.reduce((sum, file) => sum + file.size, 0);
const header = [
  "query",
  "cold: Lakeglass",
  "DuckDB-WASM",
  "native",
  "warm: Lakeglass",
  "DuckDB-WASM",
  "native",
  "warm, of DuckDB's",
  "of native's",
  "cold requests / bytes",
  "DuckDB's",
  "warm requests / bytes",
  "DuckDB's",
];
console.log(`
Times in ms, warm ones the median of ${warmRuns}. ${files.length} files, ${size(total)}, on loopback;
Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model.trim()} (${arch()}).
Warm requests and bytes are those of all ${warmRuns} runs.
`);
console.log(`| ${header.join(" | ")} |`);
console.log(`|${" --- |".repeat(header.length)}`);
for (const { name, ours, theirs, native } of results) {
  const row = [
    name,
    ms(ours.cold),
    ms(theirs.cold),
    ms(native.cold),
    ms(ours.warm),
    ms(theirs.warm),
    ms(native.warm),
    ratio(ours.warm, theirs.warm),
    ratio(ours.warm, native.warm),
    cost(ours.coldCost),
    cost(theirs.coldCost),
    cost(ours.warmCost),
    cost(theirs.warmCost),
  ];
  console.log(`| ${row.join(" | ")} |`);
}
