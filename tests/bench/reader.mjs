// node reader.mjs: opens logs of 10,000 commits and 100,000 files, natively and in the page, and
// prints what that took. See xtask/src/bench.rs for the environment.
//
// Each measurement is of a fresh process or a fresh browser profile, with the engine loaded and
// nothing of the table read. The store is Lakeglass's embedded one, on loopback.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
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

/** The most memory that any renderer of the browser ever had, where the system tells (Linux). */
async function rendererMemory() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const peaks = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => {
      try {
        const status = readFileSync(`/proc/${id}/status`, "utf8");
        return Number(status.match(/^VmHWM:\s+(\d+) kB$/m)?.[1] ?? Number.NaN) * 1024;
      } catch {
        return Number.NaN;
      }
    })
    .filter(Number.isFinite);
  return peaks.length ? Math.max(...peaks) : null;
}

async function natively(layout) {
  const table = join(folder, BUCKET, layout);
  const lines = await run(process.env.LAKEGLASS_BENCH, ["open", lakeglass.endpoint, BUCKET, layout, table]);
  return lines.trim().split("\n").map((line) => JSON.parse(line));
}

async function inThePage(layout) {
  const page = await Page.open(browser, lakeglass.url);
  await page.rows("SELECT 1");
  const table = `delta.\`s3a://${BUCKET}/${layout}\``;
  const steps = [];
  /** Runs a statement; returns its last row. */
  const step = async (what, sql) => {
    const started = performance.now();
    const result = await page.run(sql);
    const wall = performance.now() - started;
    if (result.error) throw new Error(`${sql}\n${JSON.stringify(result.error, null, 2)}`);
    const { requests, bytes } = result.metrics;
    steps.push({ what, wall, requests, bytes, memory: await rendererMemory() });
    return result.rows.at(-1);
  };
  const base = await rendererMemory();
  const detail = `DESCRIBE DETAIL ${table}`;
  const files = Number((await step("open", detail))[9]);
  await step("refresh, nothing new", detail);
  const versions = 10_000;
  const next = join(folder, BUCKET, layout, `_delta_log/${String(versions).padStart(20, "0")}.json`);
  copyFileSync(join(folder, BUCKET, layout, "next.json"), next);
  try {
    await step("refresh, one commit", detail);
  } finally {
    rmSync(next);
  }
  const rows = await step("statistics and partition values", `SELECT count(*), min(id), max(day) FROM ${table}`);
  assert.ok(files > 90_000 && Number(rows[0]) > files);
  await page.close();
  return steps.map((step) => ({ ...step, memory: step.memory === null ? null : step.memory - base }));
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
  "page: wall ms",
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
    ms(page.wall),
    `${page.requests} / ${size(page.bytes)}`,
    size(page.memory),
  ];
  console.log(`| ${row.join(" | ")} |`);
}
