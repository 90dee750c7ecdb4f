// A real MinIO, as a process of its own, with the guide's two buckets.

import { createBucket, makePrivate, makePublic, untilReady } from "./buckets.mjs";
import { freePort, Process, temporaryFolder } from "./processes.mjs";

export const RAW = "raw-data-bucket";
export const CURATED = "curated-data-bucket";

export class Minio {
  accessKey = "lakeglass-tests";
  secretKey = "only-on-loopback";
  #folder = temporaryFolder("minio");
  #process;

  /** Starts one; both buckets are public, as the guide has them. */
  static async start() {
    const minio = new Minio();
    minio.port = await freePort();
    minio.endpoint = `http://127.0.0.1:${minio.port}`;
    await minio.resume();
    for (const bucket of [RAW, CURATED]) {
      await createBucket(minio, bucket);
      await makePublic(minio, bucket);
    }
    return minio;
  }

  /** Starts it again where it was, after `stop`. */
  async resume() {
    const address = `127.0.0.1:${this.port}`;
    this.#process = new Process(
      "minio",
      process.env.LAKEGLASS_MINIO,
      ["server", "--quiet", "--address", address, this.#folder],
      {
        MINIO_ROOT_USER: this.accessKey,
        MINIO_ROOT_PASSWORD: this.secretKey,
        MINIO_BROWSER: "off",
        MINIO_UPDATE: "off",
      },
    );
    await untilReady(this.endpoint, () => this.#process.epitaph());
  }

  stop = () => this.#process.stop();
  makePublic = (bucket) => makePublic(this, bucket);
  makePrivate = (bucket) => makePrivate(this, bucket);
}
