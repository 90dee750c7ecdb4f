// The sandbox: writes that stay in the tab, on a page without a commit proxy and on one with it.
// The store sees reads alone; what is taken along is what delta-rs and `lakeglass fingerprint` read.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { FaultProxy } from "./support/fault-proxy.mjs";
import { fingerprint } from "./support/fingerprint.mjs";
import * as guide from "./support/guide.mjs";
import { fingerprintOf, Lakeglass, readByDeltaRs } from "./support/lakeglass.mjs";
import { CURATED, RAW } from "./support/minio.mjs";
import { launch, Page } from "./support/page.mjs";
import { temporaryFolder } from "./support/processes.mjs";
import { unzip } from "./support/zip.mjs";

const NOTES = `delta.\`s3a://${CURATED}/notes\``;
const COUNT_OF_NOTES = `SELECT COUNT(*) FROM ${NOTES}`;

/** Clicks Download in the sandbox's dialog; the folder that is in the archive. */
async function download(page, table, folder) {
  await page.part("sandbox").click();
  const arrives = page.tab.waitForEvent("download");
  await page.part(`download-${table}`).click();
  const path = join(folder, "archive.zip");
  await (await arrives).saveAs(path);
  const names = unzip(readFileSync(path), folder);
  assert.ok(names.every((name) => name.startsWith(`${table}/`)));
  await page.tab.keyboard.press("Escape");
  return join(folder, table);
}

/** Clicks Preview on a script, and waits until its effect is known. */
async function preview(page, sql) {
  await page.write(sql);
  await page.part("preview").click();
  await page.part("keep").waitFor();
}

const fate = (page, state) => page.tab.locator(`[data-testid=effect][data-state=${state}]`).waitFor();

describe("a page without a commit proxy", () => {
  let server, proxy, browser, page, url;

  const open = (context) => Page.open(browser, url, { withoutServer: true, context });

  before(async () => {
    server = await Lakeglass.start("embedded");
    proxy = await FaultProxy.start(server.storeEndpoint);
    browser = await launch();
    const buckets = [RAW, CURATED].map((bucket) => `bucket=${bucket}`).join("&");
    url = `${server.url}/?endpoint=${proxy.endpoint}&${buckets}`;
    page = await open();
    await page.part("table-financial_data_delta").waitFor();
  });

  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
  });

  test("says that changes stay in the tab", async () => {
    await page.part("sandbox").filter({ hasText: "sandbox: changes stay in this tab" }).waitFor();
    await page.part("sandbox").click();
    assert.match(await page.part("sandbox-dialog").innerText(), /Nothing was written yet/);
    assert.match(await page.part("sandbox-keeping").innerText(), /after a reload/);
    assert.ok(await page.part("reset").isDisabled());
    await page.tab.keyboard.press("Escape");
  });

  test("creates and fills a table, which is listed", async () => {
    await page.rows(`CREATE TABLE ${NOTES} (id BIGINT, text STRING) TBLPROPERTIES (delta.enableChangeDataFeed = true)`);
    const inserted = await page.answer(`INSERT INTO ${NOTES} VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
    assert.equal(inserted.error, undefined);
    await page.part("table-notes").waitFor();
    assert.equal(await page.part("table-notes").getByTestId("changed").count(), 1);
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), [
      ["1", "one"],
      ["2", "two"],
      ["3", "three"],
    ]);
    assert.match(await page.part("sandbox").innerText(), /· \d/);
  });

  test("updates, deletes and merges its rows, and feeds the changes", async () => {
    await page.rows(`UPDATE ${NOTES} SET text = 'zwei' WHERE id = 2`);
    await page.rows(`DELETE FROM ${NOTES} WHERE id = 1`);
    const merged = await page.rows(
      `MERGE INTO ${NOTES} AS t USING (SELECT * FROM VALUES (3L, 'drei'), (4L, 'vier') AS v(id, text)) AS s
       ON t.id = s.id WHEN MATCHED THEN UPDATE SET text = s.text WHEN NOT MATCHED THEN INSERT *`,
    );
    assert.deepEqual(merged, [["2", "1", "0", "1"]]);
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), [
      ["2", "zwei"],
      ["3", "drei"],
      ["4", "vier"],
    ]);
    assert.deepEqual(await page.rows(`${COUNT_OF_NOTES} VERSION AS OF 1`), [["3"]]);
    const changes = await page.rows(
      `SELECT id, text, _change_type FROM table_changes('delta.\`s3a://${CURATED}/notes\`', 2) ORDER BY id, text, 3`,
    );
    assert.deepEqual(changes, [
      ["1", "one", "delete"],
      ["2", "two", "update_preimage"],
      ["2", "zwei", "update_postimage"],
      ["3", "drei", "update_postimage"],
      ["3", "three", "update_preimage"],
      ["4", "vier", "insert"],
    ]);
  });

  test("goes through the guide on tables of the store", async () => {
    const [[before]] = await page.rows(guide.COUNT_AT_VERSION_3);
    await page.rows(guide.OVERWRITE);
    assert.deepEqual(await page.rows(`SELECT * FROM ${guide.RAW_TABLE}`), [["OVERWRITE-001"]]);
    await page.rows(guide.RESTORE);
    assert.deepEqual(await page.rows(guide.COUNT), [[before]]);
    assert.equal((await page.rows(guide.HISTORY))[0][4], "RESTORE");
    const refused = await page.run(guide.FIVE_HUNDRED);
    assert.match(JSON.stringify(refused.error), /FIVE HUNDRED/);
    assert.deepEqual(await page.rows(guide.COUNT), [[before]]);
    await page.rows(guide.ENABLE_CHANGE_FEED);
    assert.deepEqual(await page.rows(guide.MERGE), [["3", "1", "0", "2"]]);
    assert.equal((await page.rows(guide.CHANGES)).length, 4);
  });

  test("writes to tables of plain web servers too", async () => {
    const table = `delta.\`${proxy.endpoint}/${RAW}/insurance_data_delta\``;
    const [[before]] = await page.rows(`SELECT COUNT(*) FROM ${table}`);
    await page.rows(`DELETE FROM ${table} WHERE claim_id IS NOT NULL`);
    assert.deepEqual(await page.rows(`SELECT COUNT(*) FROM ${table}`), [["0"]]);
    assert.deepEqual(await page.rows(`SELECT COUNT(*) FROM ${table} VERSION AS OF 2`), [[before]]);
  });

  test("leaves the store as it is", async () => {
    const reads = ({ method }) => method === "GET" || method === "HEAD";
    assert.ok(proxy.exchanges.every(reads));
    assert.equal((await server.deltaRs(RAW, "financial_data_delta", "SELECT 1")).version, 5);
    assert.equal((await server.deltaRs(CURATED, "financial_transactions_dim", "SELECT 1")).version, 0);
  });

  test("hands out tables that delta-rs and `lakeglass fingerprint` read", async () => {
    const notes = await download(page, "notes", temporaryFolder("notes"));
    const ours = await page.run(`SELECT * FROM ${NOTES}`);
    const theirs = await readByDeltaRs(notes, "SELECT CAST(id AS VARCHAR) AS id, text FROM t ORDER BY 1");
    assert.equal(theirs.version, 4);
    assert.deepEqual(theirs.rows, ours.rows.toSorted());
    const feed = await readByDeltaRs(notes, "SELECT COUNT(*) FROM changes", { changesFrom: 2 });
    assert.equal(Number(feed.rows[0][0]), 6);

    // A table of the store, with its own commits below those of the sandbox.
    const raw = await download(page, "financial_data_delta", temporaryFolder("raw"));
    const native = await fingerprintOf(raw);
    const all = await page.run(`SELECT * FROM ${guide.RAW_TABLE}`);
    assert.equal(native.num_rows, all.rows.length);
    assert.equal(native.checksum, fingerprint(all).checksum);
    assert.equal(native.version, 7);
  });

  test("previews an update: its rows, files and metrics; forgotten, it never was", async () => {
    const before = await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`);
    await preview(page, `UPDATE ${NOTES} SET text = upper(text) WHERE id < 4;`);
    assert.match(await page.part("effect").innerText(), /UPDATE[\s\S]*→ version 5 of notes/);
    assert.match(await page.part("effect-files").innerText(), /1 file added \(3 rows\), 1 removed \(3 rows\)/);
    await page.part("effect-files").click();
    assert.match(await page.part("effect-metrics").innerText(), /numUpdatedRows 2/);
    const shown = await page.part("grid").innerText();
    assert.match(shown, /insert\s+2\s+ZWEI/);
    assert.match(shown, /delete\s+2\s+zwei/);
    assert.match(shown, /insert\s+3\s+DREI/);
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), before);
    assert.match(await page.part("ghost-5").innerText(), /UPDATE\s+preview/);
    await page.part("forget").click();
    await fate(page, "forgotten");
    assert.equal(await page.part("ghost-5").count(), 0);
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), before);
  });

  test("keeps a preview, which then is the sandbox", async () => {
    await preview(page, `UPDATE ${NOTES} SET text = upper(text) WHERE id < 4; DELETE FROM ${NOTES} WHERE id = 4;`);
    await page.part("keep").click();
    await fate(page, "kept");
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), [
      ["2", "ZWEI"],
      ["3", "DREI"],
    ]);
    await page.part("table-notes").filter({ hasText: "v6" }).waitFor();
  });

  test("keeps no preview of what has changed since", async () => {
    await preview(page, `DELETE FROM ${NOTES}`);
    await page.rows(`INSERT INTO ${NOTES} VALUES (5, 'fünf')`);
    await page.part("keep").click();
    await fate(page, "refused");
    assert.match(await page.part("fate").innerText(), /changed since the preview/);
    assert.deepEqual(await page.rows(COUNT_OF_NOTES), [["3"]]);
  });

  test("previews what replaces a schema, without rows that can't be compared, and what writes nothing", async () => {
    await preview(page, guide.OVERWRITE);
    assert.match(await page.part("effect").innerText(), /CREATE OR REPLACE TABLE AS SELECT/);
    await page.part("forget").click();
    await page.write(`SELECT 1`);
    await page.part("preview").click();
    await fate(page, "nothing");
    await page.write(`INSERT INTO ${NOTES} SELECT 'x', 1 / 0, 3`);
    await page.part("preview").click();
    await page.part("error").waitFor();
    assert.equal(await page.part("keep").count(), 0);
  });

  test("is there again after a reload, while another tab has its own", async () => {
    const before = await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`);
    await page.tab.reload();
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), before);
    await page.part("table-notes").waitFor();

    const other = await page.another();
    await other.part("sandbox").click();
    assert.match(await other.part("sandbox-keeping").innerText(), /Another tab/);
    const { error } = await other.run(COUNT_OF_NOTES);
    assert.ok(error, "the other tab's table is not here");
    await other.rows(`CREATE TABLE ${NOTES} (n INT)`);
    await other.tab.close();
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), before);
  });

  test("survives that the engine crashes", async () => {
    const before = await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`);
    await page.crash();
    assert.deepEqual(await page.rows(`SELECT * FROM ${NOTES} ORDER BY id`), before);
  });

  test("is reset to what the store has", async () => {
    await page.part("sandbox").click();
    await page.part("reset").click();
    await page.part("reset-sure").click();
    await page.part("sandbox-size").filter({ hasText: "Nothing was written yet" }).waitFor();
    await page.tab.keyboard.press("Escape");
    await page.part("table-notes").waitFor({ state: "detached" });
    await page.part("table-financial_data_delta").filter({ hasText: "v5" }).waitFor();
    assert.equal((await page.run(COUNT_OF_NOTES)).error?.code, "PATH_NOT_FOUND");
    assert.deepEqual(await page.rows(guide.COUNT), [["2410"]]);
    await page.tab.reload();
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    assert.deepEqual(await page.rows(guide.COUNT), [["2410"]]);
    assert.deepEqual(page.complaints, []);
  });
});

describe("a page with a commit proxy", () => {
  let server, browser, page;

  before(async () => {
    server = await Lakeglass.start("embedded");
    browser = await launch();
    page = await Page.open(browser, server.url);
    await page.part("table-financial_data_delta").waitFor();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const version = async () => (await server.deltaRs(CURATED, "financial_transactions_dim", "SELECT 1")).version;

  test("previews on a fork of the store, and then writes for real", async () => {
    await preview(page, `UPDATE ${guide.DIMENSION} SET amount = amount + 1;`);
    assert.match(await page.part("effect").innerText(), /UPDATE/);
    assert.equal(await version(), 0);
    await page.part("keep").click();
    await page.part("effect").waitFor({ state: "detached" });
    await page.part("run").waitFor();
    assert.equal(await version(), 1);
  });

  test("has changes stay in the tab at one click, and goes back at another", async () => {
    await page.part("sandbox-on").click();
    await page.part("sandbox").waitFor();
    await page.rows(`DELETE FROM ${guide.DIMENSION}`);
    assert.equal(await version(), 1);
    await page.tab.reload();
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    await page.part("sandbox").waitFor();
    assert.deepEqual(await page.rows(`SELECT COUNT(*) FROM ${guide.DIMENSION}`), [["0"]]);
    await page.part("sandbox").click();
    await page.part("sandbox-off").click();
    await page.part("sandbox-on").waitFor();
    assert.deepEqual(await page.rows(`SELECT COUNT(*) FROM ${guide.DIMENSION}`), [["3"]]);
    assert.deepEqual(page.complaints, []);
  });
});

describe("a page without a store", () => {
  let server, browser, page;

  before(async () => {
    server = await Lakeglass.start("embedded");
    browser = await launch();
    page = await Page.open(browser, server.url, { withoutServer: true });
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("makes tables in a bucket of its own", async () => {
    await page.part("tables-empty").waitFor();
    await page.rows("CREATE TABLE numbers AS SELECT id FROM range(10)");
    await page.part("table-numbers").waitFor();
    assert.deepEqual(await page.rows("SELECT SUM(id) FROM numbers"), [["45"]]);
    await page.tab.reload();
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    assert.deepEqual(await page.rows("SELECT SUM(id) FROM numbers"), [["45"]]);
    assert.deepEqual(page.complaints, []);
  });
});

describe("the look of a sandbox", () => {
  const FOLDER = process.env.LAKEGLASS_SCREENSHOTS;
  const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
  let server, browser;

  before(async () => {
    mkdirSync(FOLDER, { recursive: true });
    server = await Lakeglass.start("embedded");
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`is readable ${size} and ${colorScheme}`, async () => {
        const page = await Page.open(browser, server.url, { context: { viewport, colorScheme } });
        const shoot = async (state) => {
          await page.tab.screenshot({ path: join(FOLDER, `${size}-${colorScheme}-${state}.png`) });
          const sticksOut = await page.tab.evaluate(() => {
            const { scrollWidth, clientWidth } = document.documentElement;
            return scrollWidth > clientWidth;
          });
          assert.ok(!sticksOut, `nothing sticks out of the screen (${state})`);
        };
        await page.part("sandbox-on").click();
        await page.part("sandbox").waitFor();
        await page.rows(`UPDATE ${guide.DIMENSION} SET amount = amount * 2 WHERE transaction_id = 'T001'`);
        await page.rows("CREATE TABLE notes AS SELECT 1 AS id, 'a note' AS text");
        await preview(page, guide.MERGE);
        await shoot("preview");
        await page.part("effect-files").click();
        await shoot("preview-files");
        await page.part("keep").click();
        await fate(page, "kept");
        await shoot("kept");
        await page.part("sandbox").click();
        await page.part("sandbox-tables").waitFor();
        await shoot("sandbox");
        assert.deepEqual(page.complaints, []);
        await page.close();
      });
    }
  }
});
