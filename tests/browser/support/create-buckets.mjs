// node create-buckets.mjs ENDPOINT ACCESS_KEY SECRET_KEY NAME=public|private …

import { createBucket, makePublic, untilReady } from "./buckets.mjs";

const [endpoint, accessKey, secretKey, ...buckets] = process.argv.slice(2);
const store = { endpoint, accessKey, secretKey };
await untilReady(endpoint);
for (const [name, readers] of buckets.map((bucket) => bucket.split("="))) {
  await createBucket(store, name);
  if (readers === "public") await makePublic(store, name);
  console.log(`${name} (${readers})`);
}
