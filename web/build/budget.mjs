// The page's budget: what a browser fetches before text and editor can be used, the engine left out.

/** Bytes of Brotli. The aim is 300,000; this is what it takes today, so that it only gets less. */
export const BUDGET = 380_000;

/**
 * @typedef {{ name: string, bytes: number }} File of the page, with its size in Brotli
 * @param {File[]} files what the page starts with
 * @returns {{ total: number, problem?: string }} `problem` names the largest files
 */
export function weigh(files) {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= BUDGET) return { total };
  const largest = files.toSorted((left, right) => right.bytes - left.bytes).slice(0, 5);
  const list = largest.map(({ name, bytes }) => `  ${kilobytes(bytes).padStart(8)}  ${name}`).join("\n");
  const problem = `The page starts with ${kilobytes(total)} of Brotli, over its budget of ${kilobytes(BUDGET)}. The largest:\n${list}`;
  return { total, problem };
}

/** `12.3 kB` */
export const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
