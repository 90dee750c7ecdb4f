// The page in Chromium, as its user has it.

import { chromium } from "playwright-core";

/** What a person may wait for; the engine is 60 MB and compiles on first use. */
const PATIENCE = 60_000;

export const launch = () =>
  chromium.launch({
    executablePath: process.env.LAKEGLASS_CHROMIUM,
    // Root can't have Chromium's sandbox.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });

/** One tab of a fresh profile. */
export class Page {
  /** What the page logged as an error, or threw. */
  complaints = [];

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} url
   * @param {{storeEndpoint?: string, withoutServer?: boolean, context?: object}} options
   *   `storeEndpoint`: where the server tells the page that the store is; `withoutServer`: the page is
   *   as on a host that serves its files and nothing else
   */
  static async open(browser, url, { storeEndpoint, withoutServer, context = {} } = {}) {
    const page = new Page();
    page.context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...context });
    page.tab = await page.context.newPage();
    page.tab.setDefaultTimeout(PATIENCE);
    page.tab.on("pageerror", (error) => page.complaints.push(`${error}`));
    if (storeEndpoint) await page.#redirectStore(storeEndpoint);
    if (withoutServer) await page.context.route("**/api/**", (route) => route.fulfill({ status: 404 }));
    await page.tab.goto(url);
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    return page;
  }

  close = () => this.context.close();

  part = (id) => this.tab.getByTestId(id);

  /** Runs a script through `window.lakeglass.run`; an error comes as `{error}`. */
  run(sql) {
    return this.tab.evaluate((sql) => window.lakeglass.run(sql).catch((error) => ({ error })), sql);
  }

  /** The rows of a script that must not fail. */
  async rows(sql) {
    const result = await this.run(sql);
    if (result.error) throw new Error(`${sql}\n${JSON.stringify(result.error, null, 2)}`);
    return result.rows;
  }

  /** The same address in another tab of the same profile. */
  async another() {
    const page = new Page();
    page.context = this.context;
    page.tab = await this.context.newPage();
    page.tab.on("pageerror", (error) => page.complaints.push(`${error}`));
    await page.tab.goto(this.tab.url());
    await page.tab.waitForFunction(() => window.lakeglass?.run);
    return page;
  }

  /** Writes a script into the editor, in place of what is there. */
  async write(sql) {
    await this.part("editor").locator(".cm-content").click();
    await this.tab.keyboard.press("ControlOrMeta+a");
    await this.tab.keyboard.insertText(sql);
  }

  /** Writes a script into the editor and presses Ctrl+Enter. */
  async type(sql) {
    await this.write(sql);
    await this.tab.keyboard.press("ControlOrMeta+Enter");
  }

  /**
   * Types a script and waits until it has ended, well or badly. Returns what the page then shows:
   * `{error}`, `{outcome}`, or the grid's `{columns, types, rows}` as texts, NULL as null.
   */
  async answer(sql) {
    await this.type(sql);
    await this.part("run").waitFor();
    const results = this.part("results");
    const shown = results.locator(["error", "outcome", "grid"].map((id) => `[data-testid=${id}]`).join());
    await shown.first().waitFor();
    const kind = await shown.first().getAttribute("data-testid");
    if (kind !== "grid") return { [kind]: await shown.first().innerText() };
    return this.part("grid").evaluate((grid) => {
      const all = (within, what) => [...within.querySelectorAll(what)];
      const text = (cell) => (cell.classList.contains("null") ? null : cell.textContent);
      return {
        columns: all(grid, "th > span").map(text),
        types: all(grid, "th > small").map(text),
        rows: all(grid, "[data-testid=grid-row]").map((row) => all(row, "td").map(text)),
      };
    });
  }

  /** What a trap in the engine's module does to its worker; another one has been started after it. */
  async crash() {
    const next = this.tab.waitForEvent("worker");
    const trap = () => {
      setTimeout(() => {
        throw new WebAssembly.RuntimeError("unreachable");
      });
    };
    // The worker may be gone before it answers.
    await this.tab
      .workers()
      .at(-1)
      .evaluate(trap)
      .catch(() => undefined);
    await next;
  }

  /** The page learns of another address of the same store: that of a proxy before it. */
  async #redirectStore(endpoint) {
    await this.tab.route("**/api/v1/config", async (route) => {
      const answer = await route.fetch();
      const config = await answer.json();
      config.connection.endpoint = endpoint;
      await route.fulfill({ response: answer, json: config });
    });
  }
}
