// The checksum over rows that tests/tables/README.md defines, from what `window.lakeglass.run` gives.

import { createHash } from "node:crypto";

/** `{num_rows, checksum}` of a result. */
export function fingerprint({ columns, rows }) {
  const renderers = columns.map(({ type }) => renderer(parseType(type)));
  const lines = rows.map((row) => Buffer.from(`[${row.map((value, i) => renderers[i](value)).join()}]\n`));
  lines.sort(Buffer.compare);
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line);
  return { num_rows: rows.length, checksum: hash.digest("hex") };
}

/** The first columns of a result, as many as `keep` says. */
export const firstColumns = ({ columns, rows }, keep) => ({
  columns: columns.slice(0, keep),
  rows: rows.map((row) => row.slice(0, keep)),
});

/** `map<string,struct<a:int>>` as `{name: "map", of: [{name: "string"}, …]}`. */
function parseType(text) {
  let at = 0;
  const until = (stops) => {
    const start = at;
    while (at < text.length && !stops.includes(text[at])) at += 1;
    return text.slice(start, at);
  };
  const type = () => {
    const name = until("<(,>");
    if (text[at] === "(") {
      until(")");
      at += 1;
    }
    if (text[at] !== "<") return { name };
    const of = [];
    do {
      at += 1;
      const field = name === "struct" ? until(":") : undefined;
      if (field !== undefined) at += 1;
      of.push({ ...type(), field });
    } while (text[at] === ",");
    at += 1;
    return { name, of };
  };
  return type();
}

function renderer({ name, of }) {
  const render = plain(name, of);
  return (value) => (value === null || value === undefined ? "null" : render(value));
}

function plain(name, of) {
  const inner = of?.map(renderer);
  switch (name) {
    case "void":
      return () => "null";
    case "boolean":
    case "tinyint":
    case "smallint":
    case "int":
    case "bigint":
      return (value) => `${value}`;
    case "float":
      return (value) => bits(new Float32Array([Number(value)]));
    case "double":
      return (value) => bits(new Float64Array([Number(value)]));
    case "decimal":
    case "string":
    case "binary":
      return (value) => JSON.stringify(value);
    case "date":
      return (value) => `${moment(value) / MICROS_PER_DAY}`;
    case "timestamp":
    case "timestamp_ntz":
      return (value) => `${moment(value)}`;
    case "array":
      return (value) => `[${value.map(inner[0]).join()}]`;
    case "struct":
      return (value) => `[${of.map(({ field }, i) => inner[i](value[field])).join()}]`;
    case "map":
      return (value) => {
        // JSON's objects have texts for keys: a nested key is the JSON of it.
        const keyOf = (text) => (of[0].of ? JSON.parse(text) : text);
        const entries = Object.entries(value).map(([key, value]) => [keyOf(key), value]);
        const texts = entries.map(([key, value]) => Buffer.from(`[${inner[0](key)},${inner[1](value)}]`));
        return `[${texts.sort(Buffer.compare).join()}]`;
      };
    default:
      throw new Error(`values of type ${name} have no canonical rendering`);
  }
}

/** The bits of the one number in an array, big-endian, in hex; every NaN is the quiet one. */
function bits(array) {
  if (Number.isNaN(array[0])) return array.BYTES_PER_ELEMENT === 4 ? '"7fc00000"' : '"7ff8000000000000"';
  return `"${Buffer.from(array.buffer).reverse().toString("hex")}"`;
}

const MICROS_PER_DAY = 86_400_000_000n;

/** Microseconds from 1970-01-01T00:00:00 to a date or time of ISO 8601, of any year. */
function moment(text) {
  const parts = /^([+-]?\d+)-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?Z?)?$/.exec(text);
  if (!parts) throw new Error(`${text} is no moment`);
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => BigInt(part ?? 0));
  const micros = BigInt((parts[7] ?? "").padEnd(6, "0").slice(0, 6));
  const seconds = (hour * 60n + minute) * 60n + second;
  return daysTo(year, month, day) * MICROS_PER_DAY + seconds * 1_000_000n + micros;
}

/** Days from 1970-01-01, in the proleptic Gregorian calendar. */
function daysTo(year, month, day) {
  const shifted = month > 2n ? year : year - 1n;
  const era = (shifted >= 0n ? shifted : shifted - 399n) / 400n;
  const ofEra = shifted - era * 400n;
  const ofYear = (153n * (month > 2n ? month - 3n : month + 9n) + 2n) / 5n + day - 1n;
  return era * 146_097n + ofEra * 365n + ofEra / 4n - ofEra / 100n + ofYear - 719_468n;
}
