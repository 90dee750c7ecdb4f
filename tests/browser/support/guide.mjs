// The statements of docs/guide.md, by the names in their fences.

import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../../docs/guide.md", import.meta.url), "utf8");
const statements = new Map(
  [...text.matchAll(/^```sql (\S+).*\n([\s\S]*?)\n```$/gm)].map(([, name, sql]) => [name, sql]),
);

const statement = (name) => {
  const sql = statements.get(name);
  if (sql === undefined) throw new Error(`docs/guide.md has no statement named ${name}`);
  return sql;
};

export const RAW_TABLE = "delta.`s3a://raw-data-bucket/financial_data_delta`";
export const DIMENSION = "delta.`s3a://curated-data-bucket/financial_transactions_dim`";

export const COUNT = statement("count");
export const HISTORY = statement("history");
export const COUNT_AT_VERSION_3 = statement("count-at-version");
export const countAt = (time) => statement("count-at-time").replace(/AS OF '.*'/, `AS OF '${time}'`);
export const FLAGGED = statement("flagged");
export const FIVE_HUNDRED = statement("five-hundred");
/** The guide's accident. */
export const OVERWRITE = statement("overwrite");
export const RESTORE = statement("restore");
/** The MERGE of a column that neither side has. */
export const MERGE_OF_A_MISSING_COLUMN = statement("merge-of-a-missing-column");
export const ENABLE_CHANGE_FEED = statement("enable-change-feed");
export const MERGE = statement("merge");
export const CHANGES = statement("changes");
