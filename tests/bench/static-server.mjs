// A plain HTTP server: files with ranges, for any origin, every response counted.

import { createReadStream, statSync } from "node:fs";
import http from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

export class StaticServer {
  requests = 0;
  bytes = 0;

  static async start(folder) {
    const server = new StaticServer();
    server.http = http.createServer((request, response) => server.#answer(folder, request, response));
    server.http.keepAliveTimeout = 60_000;
    await new Promise((resolve) => server.http.listen(0, "127.0.0.1", resolve));
    server.url = `http://127.0.0.1:${server.http.address().port}`;
    return server;
  }

  /** What was counted since the last call. */
  take() {
    const { requests, bytes } = this;
    this.requests = 0;
    this.bytes = 0;
    return { requests, bytes };
  }

  stop() {
    this.http.closeAllConnections();
    this.http.close();
  }

  #answer(folder, request, response) {
    this.requests += 1;
    const path = normalize(decodeURIComponent(new URL(request.url, "http://server").pathname));
    const file = join(folder, path);
    const stat = statSync(file, { throwIfNoEntry: false });
    const headers = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, Last-Modified",
      "Access-Control-Allow-Headers": "Range",
      "Accept-Ranges": "bytes",
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    };
    if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
    if (!stat?.isFile()) return response.writeHead(404, headers).end();
    headers["Last-Modified"] = stat.mtime.toUTCString();
    headers.ETag = `"${stat.size.toString(16)}-${Math.round(stat.mtimeMs).toString(16)}"`;
    const [, from, to] = request.headers.range?.match(/^bytes=(\d*)-(\d*)$/) ?? [];
    let start = 0;
    let end = stat.size - 1;
    if (from) [start, end] = [Number(from), to ? Math.min(Number(to), end) : end];
    else if (to) start = Math.max(0, stat.size - Number(to));
    const partial = from !== undefined;
    if (start > end) return response.writeHead(416, headers).end();
    if (partial) headers["Content-Range"] = `bytes ${start}-${end}/${stat.size}`;
    headers["Content-Length"] = end - start + 1;
    response.writeHead(partial ? 206 : 200, headers);
    if (request.method === "HEAD") return response.end();
    this.bytes += end - start + 1;
    createReadStream(file, { start, end }).pipe(response);
  }
}
