// Signs requests to an S3 API (AWS Signature Version 4), for what the tests do as the store's
// owner: create buckets, set policies. The page signs with its own code.

import { createHash, createHmac } from "node:crypto";

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

/**
 * Sends one signed request.
 * @param {{endpoint: string, region?: string, accessKey: string, secretKey: string}} store
 * @param {string} method
 * @param {string} path with its leading slash, and a query where there is one
 * @param {string | Buffer} body
 */
export async function signedFetch(store, method, path, body = "") {
  const url = new URL(path, store.endpoint);
  const region = store.region ?? "us-east-1";
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const headers = { host: url.host, "x-amz-content-sha256": sha256(body), "x-amz-date": time };
  const names = Object.keys(headers).sort();
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join("&");
  const canonical = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = [day, region, "s3", "aws4_request"].reduce(hmac, `AWS4${store.secretKey}`);
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const signature = hmac(key, toSign).toString("hex");
  delete headers.host; // fetch sets it
  headers.authorization =
    `AWS4-HMAC-SHA256 Credential=${store.accessKey}/${scope}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return fetch(url, { method, headers, body: body.length ? body : undefined });
}
