// Brings the page up: gives the app what is not Rust, and scripts their door to the engine.
import { createEditor } from "../editor/src/editor.js";

/* global ENGINE: { path, version, size, bytes }, set by the build */

/** Milliseconds to wait for a tab that is being closed: the one before a reload. */
const PATIENCE = 300;

const owned = new Map();

/** Whether this tab is the one that owns `name`, from now until it is closed. */
function own(name) {
  if (!owned.has(name)) {
    const lock = new Promise((resolve) => {
      const hold = () => {
        resolve(true);
        return new Promise(() => {});
      };
      const options = { signal: AbortSignal.timeout(PATIENCE) };
      // Where there are no locks, nothing is kept for which they would be needed.
      if (!navigator.locks) resolve(true);
      else navigator.locks.request(`lakeglass:${name}`, options, hold).catch(() => resolve(false));
    });
    owned.set(name, lock);
    // Asked again later, the other tab may be gone.
    lock.then((own) => own || owned.delete(name));
  }
  return owned.get(name);
}

/**
 * @param {() => Promise<unknown>} init loads the app's module
 * @param {(host: object) => { run(sql: string): Promise<object> }} start the app's entry
 */
export function boot(init, start) {
  const engine = new URL(ENGINE.path, import.meta.url);
  engine.searchParams.set("v", ENGINE.version);
  engine.searchParams.set("size", ENGINE.size);
  const host = { createEditor, own, engineUrl: engine.href, engineBytes: ENGINE.bytes };
  const page = init().then(() => start(host));
  page.catch((error) => {
    document.getElementById("splash").textContent = `The page could not start: ${error}`;
  });
  // There at once, so that a script need not wait for the app; what it runs does.
  window.lakeglass = Object.freeze({ run: async (sql) => (await page).run(String(sql)) });
}
