// The page's budget: what a browser fetches before the page can be read, and a statement typed and run;
// the engine left out, which then may still be on its way.

/** Bytes of Brotli. */
export const BUDGET = 300_000;

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
