// `lakeglass serve`, on free ports, with the guide's tables in a store of its own.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { CURATED, Minio, RAW } from "./minio.mjs";
import { freePort, Process, run, temporaryFolder } from "./processes.mjs";

const BINARY = process.env.LAKEGLASS_BINARY;
const PAGE = process.env.LAKEGLASS_PAGE;
const DELTA_RS = process.env.LAKEGLASS_DELTA_RS;

/** The stores that a test can ask for, with the reason to skip the ones that can't be had. */
export const STORES = {
  embedded: false,
  minio: process.env.LAKEGLASS_MINIO ? false : "no MinIO here",
};

/** What delta-rs reads of the table in a folder: see {@link Lakeglass.deltaRs}. */
export async function readByDeltaRs(location, sql, { version, changesFrom } = {}, env = {}) {
  const of = { ...env };
  if (version !== undefined) of.TABLE_VERSION = `${version}`;
  if (changesFrom !== undefined) of.CHANGES_FROM = `${changesFrom}`;
  return JSON.parse(await run(DELTA_RS, [location, sql], of));
}

/** What `lakeglass fingerprint` says of the table in a folder. */
export const fingerprintOf = async (folder) => JSON.parse(await run(BINARY, ["fingerprint", folder]));

export class Lakeglass {
  #process;
  #folder;
  /** Buckets to serve; the guide's where there are none. */
  #buckets = [];

  /** Seeds a store of `kind` and serves it. */
  static async start(kind) {
    const server = new Lakeglass();
    server.kind = kind;
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    if (kind === "minio") {
      server.minio = await Minio.start();
      server.storeEndpoint = server.minio.endpoint;
    } else {
      server.#folder = temporaryFolder("data");
      server.storePort = await freePort();
      server.storeEndpoint = `http://127.0.0.1:${server.storePort}`;
    }
    await run(BINARY, ["seed", ...server.#store()]);
    await server.resume();
    return server;
  }

  /** Serves the buckets in `folder` from the embedded store. */
  static async serving(folder) {
    const server = new Lakeglass();
    server.kind = "embedded";
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.#folder = folder;
    server.#buckets = readdirSync(folder);
    server.storePort = await freePort();
    server.storeEndpoint = `http://127.0.0.1:${server.storePort}`;
    await server.resume();
    return server;
  }

  /** Starts it again where it was, after `pause`. */
  async resume() {
    const listen = ["--listen", `127.0.0.1:${this.port}`];
    if (this.storePort) listen.push("--store-listen", `127.0.0.1:${this.storePort}`);
    this.#process = new Process("lakeglass", BINARY, ["serve", ...listen, "--page", PAGE, ...this.#store()]);
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
      if (this.#process.epitaph()) throw new Error(this.#process.epitaph());
      const answer = await fetch(`${this.url}/api/v1/health`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error("lakeglass did not get ready within 30 s");
  }

  /** Ends page, proxy and embedded store; the tables stay. */
  pause = () => this.#process.stop();

  async stop() {
    await this.#process.stop();
    await this.minio?.stop();
  }

  /**
   * What delta-rs reads: the rows of `sql` over its scan of the table, registered as `t`, and, with
   * `changesFrom`, its change feed from that version on, as `changes`. Values are texts.
   */
  async deltaRs(bucket, table, sql, options) {
    const location = this.minio ? `s3://${bucket}/${table}` : join(this.#folder, bucket, table);
    const env = {};
    if (this.minio) {
      env.AWS_ENDPOINT_URL = this.minio.endpoint;
      env.AWS_ACCESS_KEY_ID = this.minio.accessKey;
      env.AWS_SECRET_ACCESS_KEY = this.minio.secretKey;
    }
    return readByDeltaRs(location, sql, options, env);
  }

  #store() {
    if (!this.minio) return ["--data", this.#folder, ...this.#buckets.flatMap((name) => ["--bucket", name])];
    const { endpoint, accessKey, secretKey } = this.minio;
    return [
      ["--s3-endpoint", endpoint],
      ["--s3-access-key", accessKey],
      ["--s3-secret-key", secretKey],
      ["--bucket", RAW],
      ["--bucket", CURATED],
    ].flat();
  }
}
