// Brings the page up: gives the app what is not Rust, and scripts their door to the engine.
import { createEditor } from "../editor/src/editor.js";

/* global ENGINE: { path, version, size, bytes }, set by the build */

/**
 * @param {() => Promise<unknown>} init loads the app's module
 * @param {(host: object) => { run(sql: string): Promise<object> }} start the app's entry
 */
export function boot(init, start) {
  const engine = new URL(ENGINE.path, import.meta.url);
  engine.searchParams.set("v", ENGINE.version);
  engine.searchParams.set("size", ENGINE.size);
  const host = { createEditor, engineUrl: engine.href, engineBytes: ENGINE.bytes };
  const page = init().then(() => start(host));
  page.catch((error) => {
    document.getElementById("splash").textContent = `The page could not start: ${error}`;
  });
  // There at once, so that a script need not wait for the app; what it runs does.
  window.lakeglass = Object.freeze({ run: async (sql) => (await page).run(String(sql)) });
}
