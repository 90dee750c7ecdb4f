// The guide, from its first statement to its last, typed into the page: on the embedded store and
// on a real MinIO, each step compared with what delta-rs reads of the same table.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as guide from "./support/guide.mjs";
import { Lakeglass, STORES } from "./support/lakeglass.mjs";
import { CURATED, RAW } from "./support/minio.mjs";
import { launch, Page } from "./support/page.mjs";

for (const [kind, skip] of Object.entries(STORES)) {
  describe(`the guide on ${kind}`, { skip }, () => {
    let server, browser, page;

    before(async () => {
      server = await Lakeglass.start(kind);
      browser = await launch();
      page = await Page.open(browser, server.url);
    });

    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    const raw = (sql, version) => server.deltaRs(RAW, "financial_data_delta", sql, { version });
    const dimension = (sql, options) => server.deltaRs(CURATED, "financial_transactions_dim", sql, options);
    const number = (text) => Number(text.replaceAll(/[^0-9.-]/g, ""));

    /** The one number that a typed statement shows. */
    const shownCount = async (sql) => {
      const { rows, error } = await page.answer(sql);
      assert.equal(error, undefined);
      return number(rows[0][0]);
    };
    const countOfDeltaRs = async (version) => number((await raw("SELECT COUNT(*) FROM t", version)).rows[0][0]);

    test("counting shows what delta-rs counts", async () => {
      const count = await shownCount(guide.COUNT);
      assert.equal(count, await countOfDeltaRs());
      assert.ok(count > 0);
    });

    test("the history shows the appends, newest first, in Spark's columns", async () => {
      const { columns, rows } = await page.run(guide.HISTORY);
      assert.deepEqual(
        columns.map(({ name, type }) => `${name} ${type}`),
        [
          "version bigint",
          "timestamp timestamp",
          "userId string",
          "userName string",
          "operation string",
          "operationParameters map<string,string>",
          "job struct<jobId:string,jobName:string,jobRunId:string,runId:string,jobOwnerId:string,triggerType:string>",
          "notebook struct<notebookId:string>",
          "clusterId string",
          "readVersion bigint",
          "isolationLevel string",
          "isBlindAppend boolean",
          "operationMetrics map<string,string>",
          "userMetadata string",
          "engineInfo string",
        ],
      );
      const versions = rows.map((row) => Number(row[0]));
      assert.deepEqual(
        versions,
        versions.map((_, index) => versions.length - 1 - index),
      );
      assert.ok(versions.length > 4, "several appends");
      const shown = await page.answer(guide.HISTORY);
      assert.deepEqual(
        shown.columns,
        columns.map(({ name }) => name),
      );
      assert.equal(number(shown.rows[0][0]), versions[0]);
    });

    test("version 3 is read as delta-rs reads it", async () => {
      const count = await shownCount(guide.COUNT_AT_VERSION_3);
      assert.equal(count, await countOfDeltaRs(3));
      assert.ok(count < (await countOfDeltaRs()));
    });

    test("a time between two commits shows the version before it", async () => {
      const history = await page.rows(guide.HISTORY);
      const committed = history.find((row) => row[0] === "2")[1];
      const time = committed.replace("T", " ").replace("Z", "");
      assert.equal(await shownCount(guide.countAt(time)), await countOfDeltaRs(2));
    });

    test("times before the first and after the last commit are refused with that commit's time", async () => {
      const history = await page.rows(guide.HISTORY);
      const second = (row) => row[1].replace("T", " ").slice(0, 19);
      const early = await page.run(guide.countAt("2001-01-01 00:00:00"));
      assert.equal(early.error.code, "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION");
      assert.ok(early.error.message.includes(second(history.at(-1))), early.error.message);
      const late = await page.run(guide.countAt("2100-01-01 00:00:00"));
      assert.equal(late.error.code, "DELTA_TIMESTAMP_GREATER_THAN_COMMIT");
      assert.ok(late.error.message.includes(second(history[0])), late.error.message);
      const shown = await page.answer(guide.countAt("2100-01-01 00:00:00"));
      assert.match(shown.error, /DELTA_TIMESTAMP_GREATER_THAN_COMMIT/);
    });

    test("old files show NULL for the column that the last append added", async () => {
      const shown = await page.answer(guide.FLAGGED);
      assert.deepEqual(shown.columns, ["transaction_id", "amount", "is_flagged"]);
      assert.equal(shown.rows.length, 20);
      const flags = "SELECT is_flagged, COUNT(*) FROM $T GROUP BY is_flagged ORDER BY 1";
      const ours = await page.rows(flags.replace("$T", guide.RAW_TABLE));
      const theirs = (await raw(flags.replace("$T", "t"))).rows;
      const asText = ([flag, count]) => [flag === null ? null : `${flag}`, `${count}`];
      assert.deepEqual(ours.map(asText).sort(), theirs.map(asText).sort());
      assert.ok(
        theirs.some(([flag]) => flag === null),
        "some files are older than the column",
      );
    });

    test("every row of the table is what delta-rs reads", async () => {
      const columns =
        "transaction_id, account_id, amount, currency, transaction_type, merchant_id, category, CAST(is_flagged AS STRING)";
      const ours = await page.rows(`SELECT ${columns} FROM ${guide.RAW_TABLE} ORDER BY 1`);
      const theirs = await raw(`SELECT ${columns.replace("STRING", "VARCHAR")} FROM t ORDER BY 1`);
      const values = (row) => row.map((cell, index) => (index === 2 ? Number(cell) : cell));
      assert.deepEqual(ours.map(values), theirs.rows.map(values));
    });

    test("an amount that is no number is refused, and names the column", async () => {
      const before = (await raw("SELECT 1")).version;
      const { error } = await page.run(guide.FIVE_HUNDRED);
      assert.ok(error, "refused");
      assert.ok(
        error.columns.some(({ column }) => column === "amount"),
        JSON.stringify(error),
      );
      assert.match(error.message + JSON.stringify(error.columns), /FIVE HUNDRED/);
      assert.equal((await raw("SELECT 1")).version, before);
    });

    test("RESTORE brings version 3 back after the accidental overwrite", async () => {
      const before = (await raw("SELECT 1")).version;
      assert.match((await page.answer(guide.OVERWRITE)).outcome, new RegExp(`${before + 1}\\b`));
      assert.deepEqual(await page.rows(`SELECT * FROM ${guide.RAW_TABLE}`), [["OVERWRITE-001"]]);
      assert.deepEqual((await raw("SELECT * FROM t")).rows, [["OVERWRITE-001"]]);

      const restored = await page.answer(guide.RESTORE);
      assert.deepEqual(restored.columns, [
        "table_size_after_restore",
        "num_of_files_after_restore",
        "num_removed_files",
        "num_restored_files",
        "removed_files_size",
        "restored_files_size",
      ]);
      assert.equal(await shownCount(guide.COUNT), await countOfDeltaRs(3));
      assert.equal(await countOfDeltaRs(), await countOfDeltaRs(3));
      const [latest, overwrite] = await page.rows(guide.HISTORY);
      assert.equal(latest[4], "RESTORE");
      assert.equal(overwrite[4], "CREATE OR REPLACE TABLE AS SELECT");
    });

    test("the MERGE of a column that neither side has is refused, with two ways out", async () => {
      const { error } = await page.run(guide.MERGE_OF_A_MISSING_COLUMN);
      assert.ok(error, "refused");
      assert.match(error.message, /last_updated/);
      assert.match(error.hint, /WITH SCHEMA EVOLUTION/);
      assert.match(error.hint, /ADD COLUMN/);
    });

    test("the MERGE updates, inserts, evolves the schema, and feeds the changes", async () => {
      const altered = await page.answer(guide.ENABLE_CHANGE_FEED);
      assert.equal(altered.error, undefined);
      const merged = await page.answer(guide.MERGE);
      assert.deepEqual(merged.columns, [
        "num_affected_rows",
        "num_updated_rows",
        "num_deleted_rows",
        "num_inserted_rows",
      ]);
      assert.deepEqual(merged.rows, [["3", "1", "0", "2"]]);

      const columns = "transaction_id, date, account_id, amount, currency, type, last_updated IS NULL";
      const expected = [
        ["T001", "2024-05-01", "A001", 100, "USD", "credit", true],
        ["T002", "2024-05-01", "A002", 250, "GBP", "debit", false],
        ["T003", "2024-05-02", "A001", 50, "EUR", "payment", true],
        ["T004", "2024-05-03", "A003", 150, "USD", "transfer", false],
        ["T005", "2024-05-03", "A001", 75, "EUR", "credit", false],
      ];
      const ours = await page.rows(`SELECT ${columns} FROM ${guide.DIMENSION} ORDER BY 1`);
      assert.deepEqual(ours, expected);
      const theirs = await dimension(`SELECT ${columns} FROM t ORDER BY 1`);
      const values = (row) => [...row.slice(0, 3), Number(row[3]), ...row.slice(4, 6), row[6] === "true"];
      assert.deepEqual(theirs.rows.map(values), expected);
    });

    test("the change feed shows one update's two images and two inserts", async () => {
      const shown = await page.answer(guide.CHANGES);
      assert.equal(shown.error, undefined);
      assert.deepEqual(shown.columns.slice(-3), ["_change_type", "_commit_version", "_commit_timestamp"]);
      const list = ([id, amount, kind, version]) => `${id} ${Number(amount)} ${kind} ${version}`;
      const ours = await page.rows(
        "SELECT transaction_id, amount, _change_type, _commit_version FROM table_changes('financial_transactions_dim', 2)",
      );
      assert.deepEqual(ours.map(list).sort(), [
        "T002 200 update_preimage 2",
        "T002 250 update_postimage 2",
        "T004 150 insert 2",
        "T005 75 insert 2",
      ]);
      const theirs = await dimension("SELECT transaction_id, amount, _change_type, _commit_version FROM changes", {
        changesFrom: 2,
      });
      assert.deepEqual(theirs.rows.map(list).sort(), ours.map(list).sort());
    });

    test("a click on a version in the history shows that version", async () => {
      await page.part("table-financial_data_delta").click();
      await page.part("version-3").click();
      await page
        .part("version")
        .filter({ hasText: /^Version 3$/ })
        .waitFor();
      await page.part("run").waitFor();
      assert.ok((await page.part("grid-row").count()) > 0);
      assert.equal(await page.part("version-3").getAttribute("aria-current"), "true");
    });

    test("nothing went wrong in the page meanwhile", () => {
      assert.deepEqual(page.complaints, []);
    });
  });
}
