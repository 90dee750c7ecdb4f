// The page and its embedded store, served from a folder whose subfolders are buckets.

import { readdirSync } from "node:fs";

import { freePort, Process } from "../browser/support/processes.mjs";

/** @returns {Promise<{process: Process, url: string, endpoint: string}>} once the page answers */
export async function serveLakeglass(data) {
  const [port, storePort] = [await freePort(), await freePort()];
  const process_ = new Process("lakeglass", process.env.LAKEGLASS_BINARY, [
    "serve",
    ...["--listen", `127.0.0.1:${port}`, "--store-listen", `127.0.0.1:${storePort}`],
    ...["--data", data, "--page", process.env.LAKEGLASS_PAGE],
    ...readdirSync(data).flatMap((name) => ["--bucket", name]),
  ]);
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/api/v1/health`).catch(() => undefined))?.ok) {
    if (process_.epitaph()) throw new Error(process_.epitaph());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { process: process_, url, endpoint: `http://127.0.0.1:${storePort}` };
}
