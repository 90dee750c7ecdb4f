// Servers that a test starts, and that end with it.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A folder that is removed at the process's end. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `lakeglass-${name}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A child process that keeps the last of its output, for the message when something goes wrong. */
export class Process {
  #child;
  #name;
  #output = "";

  constructor(name, program, args, env = {}) {
    this.#name = name;
    this.#child = spawn(program, args, { env: { ...process.env, ...env } });
    running.add(this.#child);
    const keep = (chunk) => (this.#output = (this.#output + chunk).slice(-4000));
    this.#child.stdout.on("data", keep);
    this.#child.stderr.on("data", keep);
    this.#child.on("error", (error) => keep(`${error}`));
    this.ended = new Promise((resolve) =>
      this.#child.on("close", (code) => {
        running.delete(this.#child);
        this.code = code ?? "signal";
        resolve(this.code);
      }),
    );
  }

  /** Why it can't be waited for any more, once it has ended. */
  epitaph() {
    return this.code === undefined ? undefined : `${this.#name} ended (${this.code}):\n${this.#output}`;
  }

  async stop(signal = "SIGTERM") {
    this.#child.kill(signal);
    await this.ended;
  }
}

/** Runs a program to its end; its stdout, or an error with its stderr. */
export async function run(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed (${code}):\n${stderr}`);
  return stdout;
}
