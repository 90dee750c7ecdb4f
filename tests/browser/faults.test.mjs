// What the page does when something breaks while it is in use: it says so, loses nothing, shows no
// wrong row, and works again once the fault is gone.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { FaultProxy } from "./support/fault-proxy.mjs";
import { COUNT, RAW_TABLE } from "./support/guide.mjs";
import { Lakeglass, STORES } from "./support/lakeglass.mjs";
import { RAW } from "./support/minio.mjs";
import { launch, Page } from "./support/page.mjs";

/** Reads every data file, and none that an earlier query left in memory. */
let nonce = 0;
const fullScan = () => `SELECT COUNT(*), SUM(amount + ${++nonce}), MAX(merchant_id || account_id) FROM ${RAW_TABLE}`;
/**
 * Cancelling is to take 200 ms, and the page is never to freeze. Here that is ten times as long: a
 * busy machine must not fail a test, and a query that does not stop would run for minutes.
 */
const AT_ONCE = 2_000;
/** Keeps an engine busy for minutes. */
const ENDLESS = `SELECT COUNT(*) FROM ${RAW_TABLE} a CROSS JOIN ${RAW_TABLE} b CROSS JOIN ${RAW_TABLE} c WHERE a.amount + b.amount + c.amount < 0`;
const APPEND = `INSERT INTO ${RAW_TABLE} (transaction_id, amount) VALUES ('TXN-AFTER-FAULT', 1.0)`;

const isDataFile = (request) => request.url.includes(".parquet") && !request.url.includes("_delta_log");

/** An error that a person can do something with. */
function assertClear(result) {
  assert.ok(result.error, `an error, not ${JSON.stringify(result.rows)}`);
  assert.match(result.error.code, /^[A-Z][A-Z0-9_.]+$/);
  assert.ok(result.error.message.length > 10, result.error.message);
  assert.doesNotMatch(result.error.message, /panicked|unwrap|RuntimeError/);
}

for (const [kind, skip] of Object.entries(STORES)) {
  describe(`faults on ${kind}`, { skip }, () => {
    let server, proxy, browser, page, rows;

    before(async () => {
      server = await Lakeglass.start(kind);
      proxy = await FaultProxy.start(server.storeEndpoint);
      browser = await launch();
      page = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
      rows = (await page.rows(COUNT))[0][0];
    });

    afterEach(() => proxy.heal());

    after(async () => {
      await browser?.close();
      await proxy?.stop();
      await server?.stop();
    });

    const assertWorks = async () => assert.deepEqual(await page.rows(COUNT), [[rows]]);

    for (const fault of ["cut", "refuse"]) {
      test(`a data file whose every response is ${fault === "cut" ? "cut short" : "refused"} gives an error, not rows`, async () => {
        const injected = proxy.inject(fault, isDataFile);
        // A page that has not read these files yet.
        const other = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
        assertClear(await other.run(fullScan()));
        assert.ok(injected.hits > 0);
        proxy.heal();
        assert.equal((await other.rows(fullScan()))[0][0], rows);
        assert.deepEqual(other.complaints, []);
        await other.close();
      });
    }

    test("a store that goes away is named in the error, and found again when it is back", async () => {
      proxy.inject("refuse");
      const shown = await page.answer(`SELECT COUNT(*) AS n FROM ${RAW_TABLE} WHERE amount > 0`);
      assert.ok(shown.error, JSON.stringify(shown));
      proxy.heal();
      await assertWorks();
    });

    test("cancelling a query that waits for the network ends it at once", async () => {
      const other = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
      await other.rows("SELECT 1");
      const held = proxy.inject("hold", isDataFile);
      await other.type(fullScan());
      await held.first;
      assert.ok((await cancel(other)) < AT_ONCE);
      proxy.heal();
      assert.deepEqual(await other.rows(COUNT), [[rows]]);
      await other.close();
    });

    test("cancelling a query that computes ends it at once, and the page answers meanwhile", async () => {
      await page.rows(fullScan());
      await page.type(ENDLESS);
      await page.part("cancel").waitFor();
      assert.ok((await longestPause(page, 1000)) < 900, "the page's own thread stays free");
      assert.ok((await cancel(page)) < AT_ONCE);
      await assertWorks();
    });

    test("a query beyond the memory limit ends with an error that says so", async () => {
      const result = await page.run(
        `SELECT a.transaction_id || b.transaction_id || c.merchant_id AS k FROM ${RAW_TABLE} a CROSS JOIN ${RAW_TABLE} b CROSS JOIN (SELECT merchant_id FROM ${RAW_TABLE} LIMIT 40) c ORDER BY k`,
      );
      assertClear(result);
      assert.match(`${result.error.code} ${result.error.message}`, /memory/i);
      await assertWorks();
    });

    test("an engine that crashes is restarted, the page says what happened, and the next statement works", async () => {
      await page.type(ENDLESS);
      await page.part("cancel").waitFor();
      await crash(page);
      await page.part("error").waitFor();
      assert.match(await page.part("error").innerText(), /engine/i);
      await assertWorks();
    });

    test("a proxy that is gone fails the write and nothing else; once it is back, the write works", async () => {
      await server.pause();
      const refused = await page.run(APPEND);
      assertClear(refused);
      if (kind === "minio") await assertWorks();
      await server.resume();
      await assertWorks();
      const before = Number(rows);
      const written = await page.run(APPEND);
      assert.equal(written.error, undefined);
      rows = String(before + 1);
      await assertWorks();
    });

    test("a write whose answer is lost is looked for before it is run again, and is there once", async () => {
      // The commit is made; neither the proxy nor the store says so.
      const commits = "**/api/v1/commits/**";
      await page.context.route(commits, async (route) => {
        await route.fetch().catch(() => {});
        await route.abort();
      });
      const version = (await page.rows(`DESCRIBE HISTORY ${RAW_TABLE} LIMIT 1`))[0][0];
      const next = `_delta_log/${String(Number(version) + 1).padStart(20, "0")}.json`;
      proxy.inject("refuse", (request) => request.url.includes(next));
      await page.type(`SELECT 'before' AS it; ${APPEND}; SELECT 'after' AS it`);
      await page.part("error").waitFor();
      assert.equal(await page.part("error-code").innerText(), "COMMIT_OUTCOME_UNKNOWN");
      await page.context.unroute(commits);
      proxy.heal();
      await page.part("resume").click();
      await page.part("grid").getByText("after").waitFor();
      rows = String(Number(rows) + 1);
      await assertWorks();
    });

    test("a script goes on where it failed, and repeats nothing", async () => {
      await page.type(`${APPEND}; SELECT * FROM not_here; SELECT 'on' AS it`);
      await page.part("error").waitFor();
      assert.match(await page.part("repeat").innerText(), /1 statement before it has run/);
      await page.rows("CREATE TEMPORARY VIEW not_here AS SELECT 1 AS a");
      await page.part("resume").click();
      await page.part("grid").getByText("on").waitFor();
      await page.rows("DROP VIEW not_here");
      rows = String(Number(rows) + 1);
      await assertWorks();
    });
  });
}

describe("faults of MinIO itself", { skip: STORES.minio }, () => {
  let server, browser, page, rows;

  before(async () => {
    server = await Lakeglass.start("minio");
    browser = await launch();
    page = await Page.open(browser, server.url);
    rows = (await page.rows(COUNT))[0][0];
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("stopped, it is missed; started again, it is read again", async () => {
    await server.minio.stop();
    assertClear(await page.run(COUNT));
    await server.minio.resume();
    assert.deepEqual(await page.rows(COUNT), [[rows]]);
  });

  test("a policy that is revoked is an error of access; granted again, the table is read again", async () => {
    await server.minio.makePrivate(RAW);
    const result = await page.run(COUNT);
    assertClear(result);
    assert.match(`${result.error.code} ${result.error.message} ${result.error.hint}`, /denied|access|permission|key/i);
    await server.minio.makePublic(RAW);
    assert.deepEqual(await page.rows(COUNT), [[rows]]);
  });
});

/** Clicks Cancel; milliseconds until the page is ready to run again. */
function cancel(page) {
  return page.tab.evaluate(
    () =>
      new Promise((resolve) => {
        const find = (id) => document.querySelector(`[data-testid=${id}]`);
        const started = performance.now();
        const observer = new MutationObserver(() => {
          if (!find("run")) return;
          observer.disconnect();
          resolve(performance.now() - started);
        });
        observer.observe(document.body, { childList: true, subtree: true, attributes: true });
        find("cancel").click();
      }),
  );
}

/** The longest time, within `milliseconds`, in which the page's thread answered nobody. */
function longestPause(page, milliseconds) {
  return page.tab.evaluate(
    (milliseconds) =>
      new Promise((resolve) => {
        const started = performance.now();
        let last = started;
        let longest = 0;
        const tick = () => {
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
          if (now - started < milliseconds) setTimeout(tick, 10);
          else resolve(longest);
        };
        tick();
      }),
    milliseconds,
  );
}

/** What a trap in the engine's module does to its worker. */
async function crash(page) {
  const worker = page.tab.workers().at(-1);
  await worker
    .evaluate(() => {
      setTimeout(() => {
        throw new WebAssembly.RuntimeError("unreachable");
      });
    })
    .catch(() => undefined); // the worker may be gone before it answers
}
