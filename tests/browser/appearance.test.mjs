// The page at both sizes, in both themes: screenshots to look at, and what can be told without
// looking.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { HISTORY, RAW_TABLE } from "./support/guide.mjs";
import { Lakeglass } from "./support/lakeglass.mjs";
import { launch, Page } from "./support/page.mjs";

const FOLDER = process.env.LAKEGLASS_SCREENSHOTS;
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const STATES = {
  result: `SELECT transaction_id, timestamp, account_id, amount, currency, category, is_flagged\nFROM ${RAW_TABLE}\nORDER BY timestamp DESC;`,
  history: HISTORY,
  error: `SELECT nothing FROM ${RAW_TABLE};`,
};

describe("the page", () => {
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

  /** The page as it is while what `pattern` names is on its way, and what lets that arrive. */
  async function openWithout(pattern) {
    const context = await browser.newContext({ viewport: SIZES.wide });
    const tab = await context.newPage();
    let release;
    const released = new Promise((resolve) => (release = resolve));
    await context.route(pattern, async (route) => {
      await released;
      await route.continue();
    });
    const page = Object.assign(new Page(), { context, tab });
    tab.on("pageerror", (error) => page.complaints.push(`${error}`));
    await tab.goto(server.url);
    return { page, release };
  }

  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`is readable ${size} and ${colorScheme}`, async () => {
        const page = await Page.open(browser, server.url, { context: { viewport, colorScheme } });
        for (const [state, sql] of Object.entries(STATES)) {
          await page.answer(sql);
          await page.tab.screenshot({ path: join(FOLDER, `${size}-${colorScheme}-${state}.png`) });
          const { scrollWidth, clientWidth } = await page.tab.evaluate(() => ({
            scrollWidth: document.documentElement.scrollWidth,
            clientWidth: document.documentElement.clientWidth,
          }));
          assert.ok(scrollWidth <= clientWidth, `nothing sticks out of the screen (${state})`);
        }
        const background = await page.tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const [red] = background.match(/\d+/g).map(Number);
        assert.ok(colorScheme === "dark" ? red < 80 : red > 180, background);
        assert.deepEqual(page.complaints, []);
        await page.close();
      });
    }
  }

  test("takes a statement before the engine is there, and runs it once it is", async () => {
    const { page, release } = await openWithout(/query_worker_bg[^/]*\.wasm/);
    await page.type("SELECT 40 + 2 AS answer;");
    await page.part("queued").waitFor();
    release();
    await page.part("grid").waitFor();
    assert.match(await page.part("grid").innerText(), /42/);
    await page.close();
  });

  test("takes and runs a statement before the editor proper is there, which takes its text over", async () => {
    const { page, release } = await openWithout(/codemirror[^/]*\.js/);
    // The page writes its own statement first, which would come in between.
    await page.part("columns").waitFor();
    const field = page.tab.getByLabel("SQL editor");
    assert.equal(await field.evaluate(({ tagName }) => tagName), "TEXTAREA");
    await page.tab.screenshot({ path: join(FOLDER, "text-field.png") });
    await field.fill("SELECT 40 + 2 AS answer");
    await field.press("ControlOrMeta+Enter");
    await page.part("grid").waitFor();
    assert.match(await page.part("grid").innerText(), /42/);

    await field.evaluate((element) => element.setSelectionRange(7, 13, "backward"));
    await page.tab.getByText("Run selection").waitFor();
    release();
    await page.part("editor").locator(".cm-content").waitFor();
    assert.equal(await page.part("editor").locator("textarea").count(), 0);
    // With text, selection and focus: what is typed takes the place of what was selected.
    await page.tab.getByText("Run selection").waitFor();
    await page.tab.keyboard.insertText("6 * 7");
    await page.tab.keyboard.press("ControlOrMeta+Enter");
    await page.tab.getByText("Run selection").waitFor({ state: "hidden" });
    assert.equal(await page.part("editor").locator(".cm-content").innerText(), "SELECT 6 * 7 AS answer");
    // What was typed into the text field is an edit.
    for (let step = 0; step < 2; step++) await page.tab.keyboard.press("ControlOrMeta+z");
    assert.doesNotMatch(await page.part("editor").locator(".cm-content").innerText(), /answer/);
    assert.deepEqual(page.complaints, []);
    await page.close();
  });
});
