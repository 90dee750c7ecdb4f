// Before Trunk builds the page: the engine's worker and the loader (with the editor), in folders whose
// names carry a hash of their content. They go to web/dist/assets, which index.html copies.
//
// LAKEGLASS_PROFILE is the engine's cargo profile: "quick" (the default), or "engine", which ships.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { brotli, gzip, quality } from "./compress.mjs";

const TARGET = "wasm32-unknown-unknown";
const PROFILE = process.env.LAKEGLASS_PROFILE || "quick";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(web);
const dist = join(web, "dist");
const assets = join(dist, "assets");
const editor = join(web, "editor");
const worker = join(root, "crates", "query-worker", "worker.js");

const run = (program, args, options = {}) =>
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"], cwd: root, ...options });
const hash = (...parts) => {
  const hasher = createHash("sha256");
  for (const part of parts) hasher.update(part);
  return hasher.digest("hex").slice(0, 16);
};

/** Installs the editor's packages, unless the lock file says they are there. */
function installPackages() {
  const lock = readFileSync(join(editor, "package-lock.json"), "utf8");
  const stamp = join(editor, "node_modules", ".installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: editor });
  writeFileSync(stamp, lock);
}

/** Compiles the engine; the path of its module. */
function compileEngine() {
  run("cargo", ["build", "--package", "query-worker", "--profile", PROFILE, "--target", TARGET]);
  const metadata = JSON.parse(
    execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps"], { cwd: root, maxBuffer: 1 << 28 }),
  );
  return join(metadata.target_directory, TARGET, PROFILE, "query_worker.wasm");
}

/** Makes the worker's folder from the engine's module; where it is, and how large. */
function packEngine(module) {
  const version = hash(PROFILE, readFileSync(module), readFileSync(worker));
  const folder = `engine-${version}`;
  const out = join(dist, folder);
  const glued = join(out, "query_worker_bg.wasm");
  if (!existsSync(`${glued}.br`)) {
    run("wasm-bindgen", [
      "--target=web",
      "--no-typescript",
      "--remove-name-section",
      "--remove-producers-section",
      `--out-dir=${out}`,
      "--out-name=query_worker",
      module,
    ]);
    copyFileSync(worker, join(out, "worker.js"));
    const bytes = readFileSync(glued);
    writeFileSync(`${glued}.gz`, gzip(bytes));
    writeFileSync(`${glued}.br`, brotli(bytes, quality(PROFILE)));
  }
  cpSync(out, join(assets, folder), { recursive: true });
  return {
    path: `../${folder}/worker.js`,
    version,
    size: readFileSync(glued).length,
    bytes: readFileSync(`${glued}.br`).length,
  };
}

/**
 * Bundles loader and editor into a folder: loader.js with all that the page starts with, and a chunk
 * for each import() of it. Returns the folder's name.
 */
async function bundleLoader(engine) {
  // The bundler is one of the editor's packages.
  const esbuild = createRequire(join(editor, "package.json"))("esbuild");
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [join(web, "loader", "loader.js")],
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    define: { ENGINE: JSON.stringify(engine) },
    outdir: dist,
    absWorkingDir: dist,
    metafile: true,
    write: false,
  });
  const folder = `loader-${hash(...outputFiles.map((file) => file.contents))}`;
  mkdirSync(join(assets, folder));
  for (const { path, contents } of outputFiles) writeFileSync(join(assets, folder, basename(path)), contents);
  writeFileSync(join(assets, folder, "later.json"), JSON.stringify(later(metafile.outputs)));
  return folder;
}

/** The names of the chunks that only an import() brings in. */
function later(outputs) {
  const first = new Set();
  const visit = (name) => {
    if (first.has(name)) return;
    first.add(name);
    for (const { path, kind } of outputs[name].imports) if (kind === "import-statement") visit(path);
  };
  visit("loader.js");
  return Object.keys(outputs).filter((name) => !first.has(name));
}

rmSync(assets, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });
installPackages();
const engine = packEngine(compileEngine());
// Trunk.toml puts the name into the page.
writeFileSync(join(dist, "loader-name"), `${await bundleLoader(engine)}/loader.js`);
