// The tables of tests/tables, as a bucket that the embedded store serves.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../tables", import.meta.url));
export const BUCKET = "tables";

/** `{name, expected}` of each table; copies them all to `data`. */
export function copyTables(data) {
  const names = readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, "expected.json")));
  return names.sort().map((name) => {
    const expected = JSON.parse(readFileSync(join(FOLDER, name, "expected.json"), "utf8"));
    const copy = join(data, BUCKET, name);
    if (existsSync(join(FOLDER, name, "table"))) {
      cpSync(join(FOLDER, name, "table"), copy, { recursive: true });
    }
    if (expected.prepare) prepare(copy, name, expected.prepare);
    const times = expected.time_travel_by_timestamp?.commit_file_mtime_ms ?? {};
    for (const [version, millis] of Object.entries(times)) {
      const commit = join(copy, "_delta_log", `${version.padStart(20, "0")}.json`);
      // Half a millisecond more, as a fraction of a second is rarely exact.
      const seconds = (millis + 0.5) / 1000;
      utimesSync(commit, seconds, seconds);
    }
    return { name, expected };
  });
}

/** Puts the table's own location where a template of the log asks for it. */
function prepare(copy, name, { replace_in, placeholder, with: text }) {
  const log = join(copy, replace_in.replace(/^table\//, ""));
  const location = text.replace("<absolute path of table>", `s3a://${BUCKET}/${name}`);
  const template = readFileSync(log, "utf8");
  // The template's URL is a file's; here it is one of the bucket.
  writeFileSync(log, template.replaceAll(`file:${placeholder}`, placeholder).replaceAll(placeholder, location));
}

/** Makes a table of version 0 without rows in `folder`. */
export function emptyTable(folder) {
  mkdirSync(join(folder, "_delta_log"), { recursive: true });
  const schema = { type: "struct", fields: [{ name: "n", type: "long", nullable: true, metadata: {} }] };
  const actions = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: "00000000-0000-4000-8000-000000000000",
        format: { provider: "parquet", options: {} },
        schemaString: JSON.stringify(schema),
        partitionColumns: [],
        configuration: {},
        createdTime: 1_700_000_000_000,
      },
    },
    { commitInfo: { timestamp: 1_700_000_000_000, operation: "CREATE TABLE", operationParameters: {} } },
  ];
  const log = actions.map((action) => `${JSON.stringify(action)}\n`).join("");
  writeFileSync(join(folder, "_delta_log", `${"0".padStart(20, "0")}.json`), log);
}
