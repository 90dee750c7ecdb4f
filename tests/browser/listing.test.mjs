// The list of tables: a bucket of many costs what is looked at, names are in the order that people
// expect, one of them is found by typing, and versions follow what is written.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { FaultProxy } from "./support/fault-proxy.mjs";
import { DIMENSION, RAW_TABLE } from "./support/guide.mjs";
import { Lakeglass } from "./support/lakeglass.mjs";
import { CURATED, RAW } from "./support/minio.mjs";
import { launch, Page } from "./support/page.mjs";
import { temporaryFolder } from "./support/processes.mjs";
import { emptyTable } from "./support/tables.mjs";

const MANY = 300;
const SCREENSHOTS = process.env.LAKEGLASS_SCREENSHOTS;
/** Rows of 28 pixels on a screen of 900, with something to spare. */
const IN_VIEW = 40;

/** The folders that were listed to find tables; the engine lists logs without a delimiter. */
const listedFolders = (proxy) =>
  proxy.exchanges
    .map(({ path }) => new URL(path, "http://store"))
    .filter(({ searchParams }) => searchParams.has("list-type") && searchParams.get("delimiter") === "/")
    .map(({ pathname, searchParams }) => `${pathname}/${searchParams.get("prefix") ?? ""}`);

const settled = async (page) => {
  await page.part("table-many1").waitFor();
  await page.tab.locator("[data-testid=tables][aria-busy=false]").waitFor();
};

const names = (page) => page.part("table-list").locator("button > span:first-child").allInnerTexts();

describe(`a bucket of ${MANY} tables`, () => {
  let server, proxy, browser, page;

  before(async () => {
    const data = temporaryFolder("many");
    for (let number = 1; number <= MANY; number += 1) emptyTable(join(data, RAW, `many${number}`));
    emptyTable(join(data, RAW, "team", "Zoo", "orders"));
    emptyTable(join(data, RAW, "Beta"));
    emptyTable(join(data, RAW, "alpha"));
    mkdirSync(join(data, RAW, "aaa-empty", "nothing"), { recursive: true });
    mkdirSync(join(data, CURATED));
    server = await Lakeglass.serving(data);
    proxy = await FaultProxy.start(server.storeEndpoint);
    browser = await launch();
    page = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
    await settled(page);
  });

  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
  });

  test("is opened with one listing for each bucket, and one for each row in view", () => {
    const listed = listedFolders(proxy);
    assert.ok(listed.length > 5 && listed.length <= IN_VIEW + 2, `${listed.length} listings`);
    assert.equal(new Set(listed).size, listed.length, `none twice: ${listed}`);
  });

  test("has them in the order of people, not of bytes", async () => {
    const shown = await names(page);
    assert.deepEqual(shown.slice(0, 4), ["alpha", "Beta", "many1", "many2"]);
    assert.ok(shown.indexOf("many9") + 1 === shown.indexOf("many10"));
    assert.equal(shown.length, MANY + 3);
  });

  test("is listed further as rows come into view", async () => {
    proxy.forget();
    assert.equal(await page.part(`table-many${MANY}`).count(), 0);
    await page.part(`folder-many${MANY}`).scrollIntoViewIfNeeded();
    await page.part(`table-many${MANY}`).waitFor();
    await page.part("table-orders").waitFor();
    assert.match(await page.part("table-orders").innerText(), /^team\/Zoo\/orders/);
    await page.tab.locator("[data-testid=tables][aria-busy=false]").waitFor();
    const listed = listedFolders(proxy);
    assert.ok(listed.length <= IN_VIEW + 2, `${listed.length} listings`);
    assert.ok(!listed.some((folder) => folder.endsWith("/many100/")), "what was jumped over is not");
  });

  test("one is found by typing", async () => {
    proxy.forget();
    await page.part("results").click();
    await page.tab.keyboard.press("/");
    await page.tab.keyboard.type("MANY 27");
    const found = ["many27", "many127", "many227", ...Array.from({ length: 10 }, (_, n) => `many${270 + n}`)];
    assert.deepEqual(await names(page), found);
    assert.equal(await page.part("table-filter-count").innerText(), `13 of ${MANY + 3}`);
    await page.part("table-many227").waitFor();
    assert.ok(listedFolders(proxy).length <= found.length);

    // From the field into the list, down, back up, and Enter chooses.
    await page.tab.keyboard.press("ArrowDown");
    await page.tab.keyboard.press("ArrowDown");
    await page.tab.keyboard.press("ArrowUp");
    await page.tab.keyboard.press("ArrowUp");
    await page.tab.keyboard.type("5");
    assert.deepEqual(await names(page), ["many275"]);
    await page.tab.keyboard.press("Enter");
    await page.tab.locator("[data-testid=table-many275][aria-current=true]").waitFor();
    await page.part("version").filter({ hasText: "Version 0" }).waitFor();

    await page.part("table-filter").press("Escape");
    assert.equal((await names(page)).length, MANY + 3);
    assert.equal(await page.part("table-filter").inputValue(), "");
  });

  test("says in words that nothing matches, and looks into folders when asked", async () => {
    await page.part("table-filter").fill("nowhere");
    assert.match(
      await page.part("tables-no-match").innerText(),
      /Nothing matches “nowhere”: 303 tables and folders searched by name/,
    );
    assert.equal(await page.part("table-filter-count").innerText(), `0 of ${MANY + 3}`);
    await page.part("look-inside").click();
    await page.part("look-inside").waitFor({ state: "detached" });
    await page.part("table-filter-clear").click();
    await page.part("tables-no-match").waitFor({ state: "detached" });
    await page.part("table-many150").waitFor();
    assert.deepEqual(page.complaints, []);
  });

  for (const [size, viewport] of Object.entries({
    wide: { width: 1440, height: 900 },
    narrow: { width: 390, height: 844 },
  })) {
    for (const colorScheme of ["light", "dark"]) {
      test(`is seen ${size} and ${colorScheme}`, { skip: !SCREENSHOTS && "no folder for screenshots" }, async () => {
        const other = await Page.open(browser, server.url, { context: { viewport, colorScheme } });
        if (size === "narrow") await other.part("part-tables").click();
        await settled(other);
        mkdirSync(SCREENSHOTS, { recursive: true });
        const shoot = (state) =>
          other.tab.screenshot({ path: join(SCREENSHOTS, `tables-${size}-${colorScheme}-${state}.png`) });
        await shoot("all");
        await other.part("table-filter").fill("27");
        await other.part("table-many27").waitFor();
        await other.tab.locator("[data-testid=tables][aria-busy=false]").waitFor();
        await shoot("filter");
        await other.part("table-filter").fill("nowhere");
        await other.part("tables-no-match").waitFor();
        await shoot("nothing");
        await other.close();
      });
    }
  }
});

describe("the guide's tables in the list", () => {
  let server, proxy, browser, page;

  before(async () => {
    server = await Lakeglass.start("embedded");
    proxy = await FaultProxy.start(server.storeEndpoint);
    browser = await launch();
    page = await Page.open(browser, server.url, { storeEndpoint: proxy.endpoint });
    await page.part("table-financial_transactions_dim").filter({ hasText: "v0" }).waitFor();
    await page.tab.locator("[data-testid=tables][aria-busy=false]").waitFor();
  });

  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
  });

  test("are few, and need no filter", async () => {
    assert.equal(await page.part("table-filter").count(), 0);
  });

  test("are each opened once, however many parts of the page want them", () => {
    const opened = proxy.exchanges.filter(({ path }) => path.includes("_last_checkpoint")).map(({ path }) => path);
    assert.equal(new Set(opened).size, opened.length, `none twice: ${opened}`);
    const logs = proxy.exchanges
      .map(({ path }) => new URL(path, "http://store"))
      .filter(({ searchParams }) => searchParams.get("prefix")?.includes("_delta_log"))
      .map(({ pathname, searchParams }) => `${pathname}/${searchParams.get("prefix")}`);
    assert.ok(logs.length > 0);
    assert.equal(new Set(logs).size, logs.length, `none twice: ${logs}`);
  });

  const version = (table, text) =>
    page
      .part(`table-${table}`)
      .filter({ hasText: new RegExp(`${text}$`) })
      .waitFor({ timeout: 15_000 });

  test("show the version that a script has written, of a table that is not the chosen one", async () => {
    await page.part("table-financial_data_delta").click();
    await page.rows(`DELETE FROM ${DIMENSION} WHERE transaction_id = 'T001'`);
    await version("financial_transactions_dim", "v1");
    assert.equal(await page.part("table-financial_data_delta").getAttribute("aria-current"), "true");
  });

  test("show the version that a statement in the editor has written, and the one after it", async () => {
    const before = Number(/v(\d+)$/.exec(await page.part("table-financial_data_delta").innerText())[1]);
    const append = `INSERT INTO ${RAW_TABLE} (transaction_id, amount) VALUES ('TXN-LISTED', 1.0)`;
    await page.answer(`${append}; ${append}; SELECT 1`);
    await version("financial_data_delta", `v${before + 2}`);
    await page
      .part("version")
      .filter({ hasText: `Version ${before + 2}` })
      .waitFor();
  });

  test("show a table that a statement has made, in a folder of its own too", async () => {
    await page.rows("CREATE TABLE delta.`s3a://curated-data-bucket/made/here` (n INT)");
    await version("here", "v0");
    await page.rows("CREATE OR REPLACE TABLE delta.`s3a://curated-data-bucket/made/here` (n INT)");
    await version("here", "v1");
    assert.deepEqual(page.complaints, []);
  });
});
