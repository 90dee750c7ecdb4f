// Buckets of a MinIO, and who may read them.

import { signedFetch } from "./sigv4.mjs";

/** Creates `bucket` unless it is there. */
export async function createBucket(store, bucket) {
  const answer = await signedFetch(store, "PUT", `/${bucket}`);
  // 409: it is there, and ours.
  if (!answer.ok && answer.status !== 409) await fail(`create ${bucket}`, answer);
}

/** Lets anyone list and read `bucket`. */
export async function makePublic(store, bucket) {
  const allow = (actions, resource) => ({
    Effect: "Allow",
    Principal: { AWS: ["*"] },
    Action: actions,
    Resource: [`arn:aws:s3:::${resource}`],
  });
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [allow(["s3:GetBucketLocation", "s3:ListBucket"], bucket), allow(["s3:GetObject"], `${bucket}/*`)],
  });
  const answer = await signedFetch(store, "PUT", `/${bucket}?policy=`, policy);
  if (!answer.ok) await fail(`make ${bucket} public`, answer);
}

/** Lets nobody read `bucket` without keys. */
export async function makePrivate(store, bucket) {
  const answer = await signedFetch(store, "DELETE", `/${bucket}?policy=`);
  if (!answer.ok) await fail(`make ${bucket} private`, answer);
}

/**
 * Waits until the MinIO at `endpoint` has loaded its buckets' metadata (a policy set before that is
 * overwritten in memory); `ended` may say why it never will.
 */
export async function untilReady(endpoint, ended = () => undefined) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (ended()) throw new Error(ended());
    const answer = await fetch(`${endpoint}/minio/health/cluster`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`MinIO at ${endpoint} did not get ready within 60 s`);
}

async function fail(what, answer) {
  throw new Error(`cannot ${what}: ${answer.status} ${await answer.text()}`);
}
