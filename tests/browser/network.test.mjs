// What the page asks of a store, request by request, as a proxy before the store sees it.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { FaultProxy } from "./support/fault-proxy.mjs";
import { COUNT, RAW_TABLE } from "./support/guide.mjs";
import { Lakeglass, STORES } from "./support/lakeglass.mjs";
import { CURATED, RAW } from "./support/minio.mjs";
import { launch, Page } from "./support/page.mjs";

const isData = ({ path }) => path.includes(".parquet") && !path.includes("_delta_log");
/** Bytes of a table's data files, from its DESCRIBE DETAIL. */
const sizeOf = ({ columns, rows }) => Number(rows[0][columns.findIndex(({ name }) => name === "sizeInBytes")]);
const isList = ({ path }) => path.includes("list-type=2");

for (const [kind, skip] of Object.entries(STORES)) {
  describe(`requests to ${kind}`, { skip }, () => {
    let server, proxy, browser, page;

    before(async () => {
      server = await Lakeglass.start(kind);
      proxy = await FaultProxy.start(server.storeEndpoint);
      browser = await launch();
    });

    beforeEach(async () => {
      await page?.close();
      page = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
      // The tables are listed and described on their own.
      await page.part("table-financial_data_delta").waitFor();
      await page.tab.locator("[data-testid=tables][aria-busy=false]").waitFor();
      await page.rows("SELECT 1");
    });

    after(async () => {
      await browser?.close();
      await proxy?.stop();
      await server?.stop();
    });

    /** The requests that `sql` makes. */
    const requests = async (sql) => {
      proxy.forget();
      await page.rows(sql);
      return proxy.exchanges;
    };

    test("anonymous reads need no preflight and no HEAD", async () => {
      await requests(`SELECT * FROM ${RAW_TABLE} ORDER BY transaction_id LIMIT 5`);
      assert.ok(proxy.exchanges.length > 0);
      assert.deepEqual([...new Set(proxy.exchanges.map(({ method }) => method))], ["GET"]);
      assert.ok(proxy.exchanges.every(({ authorization }) => authorization === undefined));
    });

    test("opening a table lists its log once", async () => {
      const seen = await requests(`SELECT * FROM ${RAW_TABLE} LIMIT 1`);
      assert.ok(seen.filter(isList).length <= 1, JSON.stringify(seen.filter(isList)));
    });

    test("a count without filter reads no data file", async () => {
      const seen = await requests(COUNT);
      assert.deepEqual(seen.filter(isData), []);
    });

    test("data files are read in ranges, and only the columns asked for", async () => {
      // Files of more than a few kilobytes: a small one is read whole, with its footer.
      const wide = `delta.\`s3a://${RAW}/wide\``;
      await page.rows(
        `CREATE OR REPLACE TABLE ${wide} AS SELECT id, md5(CAST(id AS STRING)) AS text FROM range(40000)`,
      );
      const size = sizeOf(await page.run(`DESCRIBE DETAIL ${wide}`));
      const narrow = (await requests(`SELECT SUM(id) FROM ${wide}`)).filter(isData);
      assert.ok(narrow.length > 0);
      assert.ok(narrow.every(({ range, status }) => range && status === 206));
      // A suffix range costs a preflight in some browsers, and a round trip in none.
      assert.ok(
        narrow.every(({ range }) => /^bytes=\d+-\d+$/.test(range)),
        JSON.stringify(narrow),
      );
      const read = narrow.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(read < size / 2, `${read} of ${size} bytes`);
    });

    test("what a query cost is what went over the wire", async () => {
      proxy.forget();
      const { metrics, error } = await page.run(`SELECT SUM(amount) FROM ${RAW_TABLE}`);
      assert.equal(error, undefined);
      assert.equal(metrics.requests, proxy.exchanges.length);
      // Of the table: a listing's own answer is none of its bytes.
      const read = proxy.exchanges.filter((exchange) => !isList(exchange));
      assert.equal(
        metrics.bytes,
        read.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    });

    test("the same query again reads no data file again", async () => {
      const sql = `SELECT COUNT(DISTINCT account_id) FROM ${RAW_TABLE}`;
      const first = (await requests(sql)).filter(isData).length;
      assert.ok(first > 0);
      const second = (await requests(sql)).filter(isData).length;
      assert.equal(second, 0, `${second} requests after ${first}`);
    });
  });
}

describe("a private bucket", { skip: STORES.minio }, () => {
  let server, proxy, browser, page;

  before(async () => {
    server = await Lakeglass.start("minio");
    await server.minio.makePrivate(CURATED);
    proxy = await FaultProxy.start(server.storeEndpoint);
    browser = await launch();
    page = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
  });

  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
  });

  const DIMENSION = `delta.\`s3a://${CURATED}/financial_transactions_dim\``;

  test("is refused without keys, with a hint at them, while the public one is read", async () => {
    const { error } = await page.run(`SELECT COUNT(*) FROM ${DIMENSION}`);
    assert.ok(error, "refused");
    assert.match(`${error.message} ${error.hint}`, /key|credential/i);
    assert.equal((await page.rows(COUNT)).length, 1);
  });

  test("is read with keys that the user types, each request signed", async () => {
    await page.part("connection").click();
    await page.part("access-key").fill(server.minio.accessKey);
    await page.part("secret-key").fill(server.minio.secretKey);
    await page.part("connect").click();
    await page.part("table-financial_transactions_dim").waitFor();
    proxy.forget();
    assert.deepEqual(await page.rows(`SELECT COUNT(*) FROM ${DIMENSION}`), [["3"]]);
    const reads = proxy.exchanges.filter(({ method }) => method === "GET");
    assert.ok(reads.length > 0);
    assert.ok(reads.every(({ authorization }) => authorization?.startsWith("AWS4-HMAC-SHA256 ")));
    const text = JSON.stringify(proxy.exchanges);
    assert.ok(!text.includes(server.minio.secretKey), "the secret stays in the tab");
  });

  test("keeps the keys in memory only: a reload forgets them", async () => {
    const stored = await page.tab.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    assert.ok(!stored.includes(server.minio.secretKey));
    await page.tab.reload();
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    const { error } = await page.run(`SELECT COUNT(*) FROM ${DIMENSION}`);
    assert.ok(error, "refused again");
    assert.equal((await page.rows(`SELECT COUNT(*) FROM delta.\`s3a://${RAW}/financial_data_delta\``)).length, 1);
  });
});
