// Completion of tables, by name and by path, and of their columns.

/**
 * @typedef {{ name: string, location: string, columns: string[] }} Table
 */

/** Where the text up to the cursor is inside an open path such as delta.`s3a://buck. */
const OPEN_PATH = /\b(?:delta|parquet)\.`([^`\n]*)$/i;

/** The namespace that lang-sql completes from: table names, each with its columns. */
export function namespace(/** @type {Table[]} */ tables) {
  return Object.fromEntries(tables.map((table) => [table.name, table.columns]));
}

/** Completes the path of a table after delta.` */
export function pathSource(/** @type {() => Table[]} */ tables) {
  return (context) => {
    const open = context.matchBefore(/[A-Za-z]+\.`[^`\n]*/);
    const match = open && OPEN_PATH.exec(open.text);
    if (!match) return null;
    const rest = context.state.sliceDoc(context.pos, context.pos + 1);
    return {
      from: context.pos - match[1].length,
      options: tables().map((table) => ({
        label: table.location,
        apply: rest === "`" ? table.location : `${table.location}\``,
        type: "class",
      })),
      validFor: /^[^`\n]*$/,
    };
  };
}

/**
 * Completes columns of the tables that the text names by path: lang-sql resolves `FROM name`, but
 * not a name after a path.
 */
export function columnSource(/** @type {() => Table[]} */ tables) {
  return (context) => {
    const word = context.matchBefore(/[A-Za-z_][\w]*/);
    if (!word && !context.explicit) return null;
    const text = context.state.doc.toString();
    const before = context.state.sliceDoc(Math.max(0, context.pos - 2000), context.pos);
    if (OPEN_PATH.test(before)) return null;
    const seen = new Map();
    for (const table of tables()) {
      if (!text.includes(table.location)) continue;
      for (const column of table.columns) seen.set(column, table.name);
    }
    if (seen.size === 0) return null;
    return {
      from: word ? word.from : context.pos,
      options: [...seen].map(([label, detail]) => ({ label, detail, type: "property", boost: 1 })),
      validFor: /^\w*$/,
    };
  };
}
