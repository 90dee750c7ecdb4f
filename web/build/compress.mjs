// What servers send to browsers in place of a file: its .br and .gz neighbours.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** As small as Brotli gets; for the page's own files, which are small. */
export const SMALLEST = constants.BROTLI_MAX_QUALITY;

/** The quality for the engine, whose best takes minutes: what ships is worth them. */
export const quality = (profile) => (profile === "engine" ? SMALLEST : 5);

export const gzip = (bytes) => gzipSync(bytes, { level: 9 });

export const brotli = (bytes, quality = SMALLEST) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      // The largest window that browsers take.
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
