// The page that DuckDB-WASM runs in. `window.duck.run(sql)` gives rows as texts.

import * as duckdb from "@duckdb/duckdb-wasm";

async function open() {
  const bundle = await duckdb.selectBundle({
    mvp: { mainModule: "duckdb-mvp.wasm", mainWorker: "duckdb-browser-mvp.worker.js" },
    eh: { mainModule: "duckdb-eh.wasm", mainWorker: "duckdb-browser-eh.worker.js" },
  });
  const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), new Worker(bundle.mainWorker));
  await database.instantiate(new URL(bundle.mainModule, location.href).href);
  const connection = await database.connect();
  return {
    async run(sql) {
      const result = await connection.query(sql);
      return result
        .toArray()
        .map((row) => Object.values(row.toJSON()).map((value) => (value === null ? null : String(value))));
    },
  };
}

window.duck = await open();
