// Every table of tests/tables through the page's own worker, from the embedded store: versions,
// rows, checksums, change feeds, time travel and errors are those of its expected.json. What the
// engine does not read it must refuse, by the name of one of the table's own features.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { fingerprint, firstColumns } from "./support/fingerprint.mjs";
import { Lakeglass } from "./support/lakeglass.mjs";
import { launch, Page } from "./support/page.mjs";
import { temporaryFolder } from "./support/processes.mjs";
import { BUCKET, copyTables } from "./support/tables.mjs";

const data = temporaryFolder("tables");
const tables = copyTables(data);

/** Versions of a table that are asked for though the log has lost them. */
const MAX_UNREADABLE = 4;

describe("the golden tables", () => {
  let server, browser, page;
  const refused = [];

  before(async () => {
    server = await Lakeglass.serving(data);
    browser = await launch();
    page = await Page.open(browser, server.url);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const location = (name) => `delta.\`s3a://${BUCKET}/${name}\``;
  const select = (name, version, columns = "*") =>
    page.run(`SELECT ${columns} FROM ${location(name)} VERSION AS OF ${version}`);

  for (const { name, expected } of tables) {
    test(name, async (t) => {
      const latest = await page.run(`SELECT * FROM ${location(name)}`);
      if (expected.expect === "error") {
        assert.ok(latest.error, `${latest.rowCount} rows instead of an error: ${expected.why}`);
        assert.ok(latest.error.code && latest.error.message, JSON.stringify(latest.error));
        return;
      }
      const feature = refusedFeature(latest);
      if (feature !== undefined) {
        assert.ok(mayBeRefused(expected).includes(feature), `refused for ${feature}, of which the table has nothing`);
        refused.push(`${name}: ${feature}`);
        t.diagnostic(`refused: ${feature}`);
        return;
      }
      if (expected.expect === "unknown") return;
      if (expected.scan === "must_error") {
        assert.ok(latest.error, `${latest.rowCount} rows came without data files`);
      } else if (expected.checksum && expected.checksum_columns?.length) {
        const columns = expected.checksum_columns.map((column) => `\`${column}\``);
        await same(await select(name, expected.latest_version, columns), expected);
      } else if (expected.checksum) {
        await same(latest, expected);
        assert.equal(latest.version, expected.latest_version);
      }
      await versions(name, expected);
      if (expected.cdf) await changes(name, expected.cdf);
      await timeTravel(name, expected);
    });
  }

  test("no table is left out", () => {
    assert.ok(tables.length >= 132, `${tables.length} tables`);
    // All features that these tables ask of readers are read.
    assert.deepEqual(refused, []);
    assert.deepEqual(page.complaints, []);
  });

  async function same(result, expected) {
    assert.equal(result.error, undefined, JSON.stringify(result.error));
    const { num_rows, checksum } = fingerprint(result);
    assert.equal(num_rows, expected.num_rows);
    assert.equal(checksum, expected.checksum, `${JSON.stringify(result.rows.slice(0, 3))}`);
  }

  async function versions(name, expected) {
    for (const { version, data, ...rows } of expected.versions ?? []) {
      if (data !== "ok" && data !== "missing") continue;
      const columns = expected.checksum_columns?.map((column) => `\`${column}\``).join() || "*";
      const result = await select(name, version, columns);
      if (refusedFeature(result) !== undefined) continue;
      if (data === "missing") assert.ok(result.error, `version ${version} came without data files`);
      else {
        await same(result, rows);
        assert.equal(result.version, version);
      }
    }
    for (const version of unreadable(expected)) {
      const { error } = await select(name, version);
      assert.ok(error, `version ${version} can't be rebuilt, and was read`);
    }
  }

  async function changes(name, { start_version, end_version, counts, ...rows }) {
    const table = location(name).replaceAll("'", "''");
    const result = await page.run(`SELECT * FROM table_changes('${table}', ${start_version}, ${end_version})`);
    assert.equal(result.error, undefined, JSON.stringify(result.error));
    const kept = firstColumns(result, result.columns.length - 1);
    await same(kept, rows);
    const counted = {};
    for (const row of kept.rows) {
      const [kind, version] = row.slice(-2);
      counted[version] ??= {};
      counted[version][kind] = (counted[version][kind] ?? 0) + 1;
    }
    assert.deepEqual(counted, counts);
  }

  async function timeTravel(name, expected) {
    for (const { timestamp_ms, version } of expected.time_travel_by_timestamp?.cases ?? []) {
      const at = new Date(timestamp_ms).toISOString().replace("T", " ").replace("Z", "");
      const result = await page.run(`SELECT 1 FROM ${location(name)} TIMESTAMP AS OF '${at}' LIMIT 1`);
      if (refusedFeature(result) !== undefined) continue;
      assert.equal(result.error, undefined, JSON.stringify(result.error));
      assert.equal(result.version, version, at);
    }
  }
});

/** What a table is refused for, where it is. */
function refusedFeature({ error }) {
  if (error?.code !== "DELTA_UNSUPPORTED_FEATURES_FOR_READ") return undefined;
  return /`([^`]+)`/.exec(error.message)?.[1] ?? error.message;
}

/** The features that the latest version asks of its readers. */
function mayBeRefused({ protocol, metadata }) {
  const mapped = (metadata?.configuration?.["delta.columnMapping.mode"] ?? "none") !== "none";
  return [...(protocol?.readerFeatures ?? []), ...(mapped ? ["columnMapping"] : [])];
}

function unreadable({ unreadable_versions: versions }) {
  const listed = Array.isArray(versions) ? versions : versions ? [versions.from, versions.to] : [];
  return listed.slice(0, MAX_UNREADABLE);
}
