// An HTTP proxy between the page and a store. It writes down every request, and does on demand
// what networks do: refuse, go silent, or end a response in the middle.

import http from "node:http";

/**
 * @typedef {{method: string, path: string, range?: string, authorization?: string, status: number,
 *   bytes: number}} Exchange
 */

export class FaultProxy {
  /** @type {Exchange[]} in the order in which they ended */
  exchanges = [];
  #fault;
  #server;
  #target;

  /** @param {string} target `http://host:port` */
  static async start(target) {
    const proxy = new FaultProxy();
    proxy.#target = new URL(target);
    proxy.#server = http.createServer((request, response) => proxy.#pass(request, response));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.endpoint = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /**
   * From now on `kind` happens to each request that `matches`:
   * `refuse` closes the connection, `hold` never answers, `cut` sends half of the body.
   */
  inject(kind, matches = () => true) {
    this.#fault = { kind, matches, hits: 0 };
    const fault = this.#fault;
    fault.first = new Promise((resolve) => (fault.hit = resolve));
    return fault;
  }

  /** All is well again. */
  heal() {
    this.#fault = undefined;
  }

  /** Forgets what was written down. */
  forget() {
    this.exchanges = [];
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request, response) {
    const fault = this.#fault?.matches(request) ? this.#fault : undefined;
    if (fault) {
      fault.hits += 1;
      fault.hit();
    }
    if (fault?.kind === "refuse") return request.socket.destroy();
    if (fault?.kind === "hold") return;
    const exchange = {
      method: request.method,
      path: decodeURIComponent(request.url),
      range: request.headers.range,
      authorization: request.headers.authorization,
      status: 0,
      bytes: 0,
    };
    const upstream = http.request(
      {
        host: this.#target.hostname,
        port: this.#target.port,
        method: request.method,
        path: request.url,
        // Host included: it is part of what was signed.
        headers: request.headers,
      },
      (answer) => {
        exchange.status = answer.statusCode;
        this.exchanges.push(exchange);
        response.writeHead(answer.statusCode, answer.headers);
        const limit = fault?.kind === "cut" ? Number(answer.headers["content-length"] ?? 2) / 2 : Infinity;
        answer.on("data", (chunk) => {
          const room = limit - exchange.bytes;
          exchange.bytes += chunk.length;
          if (chunk.length <= room) return response.write(chunk);
          answer.destroy();
          // Only once the half is on its way, else the page would see no response at all.
          response.write(chunk.subarray(0, Math.max(1, room)), () => response.destroy());
        });
        answer.on("end", () => response.end());
        answer.on("error", () => response.destroy());
      },
    );
    upstream.on("error", () => request.socket.destroy());
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  }
}
