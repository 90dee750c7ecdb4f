// node reader.mjs: opens logs of 10,000 commits and 100,000 files, natively and in the page, and
// prints what that took. See xtask/src/bench.rs for the environment.
//
// Each measurement is of a fresh process or a fresh browser profile, with the engine loaded and
// nothing of the table read. The store is Lakeglass's embedded one, on loopback.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { join } from "node:path";

import { launch, Page } from "../browser/support/page.mjs";
import { run } from "../browser/support/processes.mjs";
import { serveLakeglass } from "./lakeglass.mjs";

const BUCKET = "logs";
const LAYOUTS = ["classic", "sidecars", "compacted"];
const folder = process.env.LAKEGLASS_BENCH_DATA;
const lakeglass = await serveLakeglass(folder);
const browser = await launch();

/** Kernel ticks per second, in which Linux counts CPU time. */
const TICKS = 100;

async function renderers() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** Forgets what memory was needed to compile and start the engine. */
async function forgetPeaks() {
  for (const id of await renderers()) {
    try {
      writeFileSync(`/proc/${id}/clear_refs`, "5");
    } catch {
      // Not Linux, or the process has ended: see `usage`.
    }
  }
}

/**
 * What the tab's process has used, where the system tells (Linux): CPU time in ms, and the most
 * memory that it had since `forgetPeaks`.
 */
async function usage() {
  const used = (await renderers()).flatMap((id) => {
    try {
      // The name, which may hold blanks, ends with the last bracket.
      const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ").at(-1).split(" ");
      const cpu = ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
      const status = readFileSync(`/proc/${id}/status`, "utf8");
      return [{ cpu, memory: Number(status.match(/^VmHWM:\s+(\d+) kB$/m)[1]) * 1024 }];
    } catch {
      return [];
    }
  });
  // The engine's process outweighs any other.
  return used.sort((a, b) => b.memory - a.memory)[0] ?? { cpu: null, memory: null };
}

async function natively(layout) {
  const table = join(folder, BUCKET, layout);
  const lines = await run(process.env.LAKEGLASS_BENCH, ["open", lakeglass.endpoint, BUCKET, layout, table]);
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function inThePage(layout) {
  const page = await Page.open(browser, lakeglass.url);
  await page.rows("SELECT 1");
  const table = `delta.\`s3a://${BUCKET}/${layout}\``;
  await forgetPeaks();
  const base = await usage();
  const steps = [];
  /** Runs a statement; returns its last row. */
  const step = async (what, sql) => {
    const before = await usage();
    const started = performance.now();
    const result = await page.run(sql);
    const wall = performance.now() - started;
    const after = await usage();
    if (result.error) throw new Error(`${sql}\n${JSON.stringify(result.error, null, 2)}`);
    const { requests, bytes } = result.metrics;
    const cpu = after.cpu === null ? null : after.cpu - before.cpu;
    const memory = after.memory === null ? null : after.memory - base.memory;
    steps.push({ what, wall, cpu, requests, bytes, memory });
    return result.rows.at(-1);
  };
  const detail = `DESCRIBE DETAIL ${table}`;
  const files = Number((await step("open", detail))[9]);
  // Answered from the log alone: there are no data files.
  const count = `SELECT count(*) FROM ${table} WHERE day >= '2024-02-01'`;
  const [rows] = await step("statistics and partition values", count);
  assert.ok(files > 90_000 && Number(rows) > files, `${files} files with ${rows} rows`);
  await step("refresh, nothing new", detail);
  const versions = 10_000;
  const next = join(folder, BUCKET, layout, `_delta_log/${String(versions).padStart(20, "0")}.json`);
  copyFileSync(join(folder, BUCKET, layout, "next.json"), next);
  try {
    await step("refresh, one commit", detail);
  } finally {
    rmSync(next);
  }
  await page.close();
  return steps;
}

const results = [];
for (const layout of LAYOUTS) {
  const native = await natively(layout);
  const page = await inThePage(layout);
  for (const [index, step] of native.entries()) {
    results.push({ layout, native: step, page: page[index] });
  }
}
await browser.close();
await lakeglass.process.stop();

const ms = (value) => (value === null ? "?" : value < 10 ? value.toFixed(1) : value.toFixed(0));
const size = (bytes) =>
  bytes === null ? "?" : bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const header = [
  "log",
  "step",
  "native: CPU ms",
  "wall ms",
  "requests / bytes",
  "peak memory",
  "page: CPU ms",
  "wall ms",
  "requests / bytes",
  "peak memory, more than before",
];
console.log(`
10,000 commits, ${results[0].native.files} files, on loopback. Native memory is the whole process's.
Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model.trim()} (${arch()}).
`);
console.log(`| ${header.join(" | ")} |`);
console.log(`|${" --- |".repeat(header.length)}`);
for (const { layout, native, page } of results) {
  const row = [
    layout,
    native.what,
    ms(native.cpu),
    ms(native.wall),
    `${native.requests} / ${size(native.bytes)}`,
    size(native.memory),
    ms(page.cpu),
    ms(page.wall),
    `${page.requests} / ${size(page.bytes)}`,
    size(page.memory),
  ];
  console.log(`| ${row.join(" | ")} |`);
}
