// Replaces `fetch` by a server on `http://store.test` (S3's GET and ListObjectsV2) and a commit
// proxy on `http://proxy.test`, which note what they were asked and fail on cue.
//
// `fake.faults` holds what goes wrong, in the order of requests: "network", "cors", "hang",
// "break" (in the middle of the body), "truncate", "no-range-header", "ignore-range", or a status.

const objects = new Map();
const fake = {
  log: [],
  faults: [],
  aborted: 0,
  commits: [],
  commitAnswer: { status: 200, body: "" },
  puts: [],
  proxyDown: false,
  put: (path, bytes) => objects.set(path, bytes.slice()),
  reset() {
    objects.clear();
    Object.assign(fake, {
      log: [],
      faults: [],
      aborted: 0,
      commits: [],
      commitAnswer: { status: 200, body: "" },
      puts: [],
      proxyDown: false,
    });
  },
};
globalThis.fake = fake;

const failed = () => new TypeError("Failed to fetch");

function hang(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      fake.aborted += 1;
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}

function listing(url) {
  const prefix = url.searchParams.get("prefix") ?? "";
  const after = url.searchParams.get("start-after") ?? "";
  const delimiter = url.searchParams.get("delimiter");
  const bucket = `${url.pathname}/`;
  const contents = [];
  const prefixes = new Set();
  for (const path of [...objects.keys()].sort()) {
    if (!path.startsWith(bucket)) continue;
    const key = path.slice(bucket.length);
    if (!key.startsWith(prefix) || key <= after) continue;
    const rest = key.slice(prefix.length);
    if (delimiter && rest.includes(delimiter)) {
      prefixes.add(prefix + rest.slice(0, rest.indexOf(delimiter) + 1));
      continue;
    }
    contents.push(
      `<Contents><Key>${key}</Key><Size>${objects.get(path).length}</Size>` +
        `<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag></Contents>`,
    );
  }
  const folders = [...prefixes].map((p) => `<CommonPrefixes><Prefix>${p}</Prefix></CommonPrefixes>`);
  return (
    `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>` +
    contents.join("") +
    folders.join("") +
    `</ListBucketResult>`
  );
}

function respond(bytes, status, headers, fault) {
  const end = fault === "truncate" || fault === "break" ? Math.floor(bytes.length / 2) : bytes.length;
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, end));
      if (fault === "break") controller.error(failed());
      else controller.close();
    },
  });
  const shown = {
    "Content-Length": String(bytes.length),
    "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    ...headers,
  };
  return new Response(body, { status, headers: shown });
}

async function store(url, init) {
  if (init.mode === "no-cors") {
    if (fake.faults.includes("cors")) return new Response("");
    throw failed();
  }
  const headers = new Headers(init.headers);
  fake.log.push({ method: init.method, url: url.href, cache: init.cache, headers: Object.fromEntries(headers) });
  // A store that is down stays down.
  const fault = fake.faults[0] === "cors" ? "cors" : fake.faults.shift();
  if (fault === "network" || fault === "cors") throw failed();
  if (fault === "hang") return hang(init.signal);
  const text = new TextEncoder();
  if (typeof fault === "number") return respond(text.encode("<Error/>"), fault, {});
  if (url.searchParams.has("list-type")) return respond(text.encode(listing(url)), 200, {}, fault);
  const bytes = objects.get(decodeURIComponent(url.pathname));
  if (!bytes) return respond(text.encode("<Error><Code>NoSuchKey</Code></Error>"), 404, {});
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
  if (!range || fault === "ignore-range") return respond(bytes, 200, {}, fault);
  const first = Number(range[1]);
  const last = Math.min(Number(range[2]), bytes.length - 1);
  const shown = fault === "no-range-header" ? {} : { "Content-Range": `bytes ${first}-${last}/${bytes.length}` };
  return respond(bytes.slice(first, last + 1), 206, shown, fault);
}

// `lost`: the commit is made, and its answer is lost.
async function proxy(url, init) {
  if (fake.proxyDown) throw failed();
  if (init.mode === "no-cors") return new Response("");
  const body = init.body ?? new Uint8Array();
  const [, route, rest] = /^\/api\/v1\/(objects|commits)\/(.*)$/.exec(url.pathname) ?? [];
  const path = decodeURIComponent(rest ?? "");
  const headers = Object.fromEntries(new Headers(init.headers));
  if (route === "objects") {
    fake.puts.push({ method: init.method, path, size: body.length, headers });
    objects.set(`/${path}`, body.slice());
    return new Response(JSON.stringify({ size: body.length }));
  }
  fake.commits.push({ method: init.method, path, query: url.search, body: new TextDecoder().decode(body) });
  const { status, body: answer } = fake.commitAnswer;
  if (status === "network") throw failed();
  if (status === "hang") return hang(init.signal);
  if (status !== 200 && status !== "lost") return new Response(answer, { status });
  const version = url.searchParams.get("version");
  objects.set(`/${path}/_delta_log/${version.padStart(20, "0")}.json`, body.slice());
  if (status === "lost") throw failed();
  const made = { version: Number(version), txn_id: url.searchParams.get("txnId") };
  return new Response(JSON.stringify(made));
}

const original = globalThis.fetch;
globalThis.fetch = async (input, init = {}) => {
  const url = new URL(typeof input === "string" ? input : input.url);
  if (url.host === "store.test") return store(url, init);
  if (url.host === "proxy.test") return proxy(url, init);
  return original(input, init);
};
