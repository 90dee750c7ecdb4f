// Boot script of the query worker: an ES module worker beside `query_worker.js` and
// `query_worker_bg.wasm`, as `wasm-bindgen --target web` writes them.
//
//   const worker = new Worker("worker.js?v=VERSION", { type: "module" });
//   worker.postMessage({ module: null });
//   // then `{ json }` messages, at once: they wait until the engine is up
//
// The URL's parameters:
//   v       names this build. The two other files are asked for with the same `v`, so that a server
//           may let browsers keep all three for ever.
//   size    bytes of the .wasm file: the total of `downloading` where the server compresses it.
//   memory  bytes of the query memory pool; read by the engine.
//
// The first message is `{ module }`. With null the engine is fetched and compiled, and another
// `{ module }` hands the page the WebAssembly.Module: a page that gives it to the next worker gets an
// engine without download or compilation, after a crash for instance. All other messages are those
// of the crate `messages`, module `engine`; this script sends `downloading` and `crashed` of them.
//
// After `crashed` nothing more is to be expected: terminate the worker and start another one.

const CACHE = "lakeglass-engine";
/** Milliseconds between two `downloading` messages. */
const DOWNLOAD_TICK = 50;
const WASM = { "Content-Type": "application/wasm" };

const parameters = new URL(import.meta.url).searchParams;
const version = parameters.get("v");
const suffix = version ? `?v=${encodeURIComponent(version)}` : "";
const wasmUrl = new URL(`query_worker_bg.wasm${suffix}`, import.meta.url).href;
const glueUrl = new URL(`query_worker.js${suffix}`, import.meta.url).href;

let crashed = false;
let memory = null;

const post = (message) => self.postMessage({ json: JSON.stringify(message) });

/** Tells the page, once, that this worker is done for. The engine's panic hook calls it as well. */
self.reportCrash = (message) => {
  if (crashed) return;
  crashed = true;
  post({ crashed: { message } });
};

/** What a trap of the module means; its own text says only where it happened. */
function explainTrap(error) {
  const gigabytes = (memory?.buffer.byteLength ?? 0) / 2 ** 30;
  const outOfMemory = error instanceof RangeError || /memory/i.test(error.message) || gigabytes > 3.5;
  return outOfMemory
    ? `the engine ran out of memory (it held ${gigabytes.toFixed(1)} GiB)`
    : `the engine stopped: ${error.message}`;
}

function onUncaught(error) {
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    self.reportCrash(explainTrap(error));
  }
}
self.addEventListener("error", (event) => onUncaught(event.error));
self.addEventListener("unhandledrejection", (event) => onUncaught(event.reason));

/** Passes `response` on, tells the page how far it is, and collects its bytes in `chunks`. */
function withProgress(response, chunks) {
  const length = Number(response.headers.get("Content-Length"));
  const compressed = response.headers.has("Content-Encoding");
  const total = Number(parameters.get("size")) || (!compressed && length) || null;
  let loaded = 0;
  let told = 0;
  const tell = () => post({ downloading: { loaded, total } });
  const counter = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      if (performance.now() - told > DOWNLOAD_TICK) {
        told = performance.now();
        tell();
      }
      chunks.push(chunk);
      controller.enqueue(chunk);
    },
    flush: tell,
  });
  return new Response(response.body.pipeThrough(counter), { headers: WASM });
}

/**
 * Where the engine is kept for the next visit. Browsers' HTTP caches refuse files of its size.
 * Without a version there is no telling whether what is kept is what is wanted; and outside secure
 * contexts there is no Cache API.
 */
async function openCache() {
  try {
    return version ? await self.caches?.open(CACHE) : undefined;
  } catch {
    return undefined; // storage is switched off
  }
}

/** Keeps the module's bytes, and nothing of earlier versions. */
async function keep(cache, chunks) {
  try {
    await cache.put(wasmUrl, new Response(new Blob(chunks), { headers: WASM }));
    for (const request of await cache.keys()) {
      if (request.url !== wasmUrl) await cache.delete(request);
    }
  } catch {
    // No room, for instance: the next visit downloads again.
  }
}

async function compile() {
  const cache = await openCache();
  const kept = await cache?.match(wasmUrl).catch(() => undefined);
  if (kept) {
    try {
      return await WebAssembly.compileStreaming(kept);
    } catch {
      await cache.delete(wasmUrl);
    }
  }
  post({ downloading: { loaded: 0, total: Number(parameters.get("size")) || null } });
  const response = await fetch(wasmUrl);
  if (!response.ok) throw new Error(`${wasmUrl}: ${response.status} ${response.statusText}`);
  const chunks = [];
  const module = await WebAssembly.compileStreaming(withProgress(response, chunks));
  // Only now, when they are known to be whole; and on the side, since nobody waits for it.
  if (cache) keep(cache, chunks);
  return module;
}

async function boot(module) {
  const glue = await import(glueUrl);
  if (!module) {
    module = await compile();
    self.postMessage({ module });
  }
  const exports = await glue.default({ module_or_path: module });
  memory = exports.memory;
  const early = waiting.splice(0);
  self.removeEventListener("message", wait);
  glue.start();
  for (const data of early) self.dispatchEvent(new MessageEvent("message", { data }));
}

const waiting = [];
const wait = (event) => waiting.push(event.data);

self.addEventListener(
  "message",
  (event) => {
    self.addEventListener("message", wait);
    boot(event.data.module).catch((error) => {
      self.reportCrash(`the engine could not start: ${error?.message ?? error}`);
    });
  },
  { once: true },
);
