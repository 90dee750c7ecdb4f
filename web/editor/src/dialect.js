// Spark SQL with Delta's statements, for highlighting and for completion of keywords.
import { SQLDialect } from "@codemirror/lang-sql";

const keywords = `
  add after all alter always analyze and any anti array as asc between both by case cast changes check
  clone cluster clustered collate column columns comment constraint copy create cross cube current data
  database databases default delete delta desc describe detail distinct distribute drop dry else end
  escape evolution except exists explain extended extract false fetch filter first following for
  formatted from full generated global group grouping having history hours identity if ilike in increment inner insert
  intersect interval into is join last lateral leading left like limit location matched materialized
  merge minus name natural not null nulls of offset on only optimize or order outer over overwrite
  partition partitioned pivot position preceding primary properties qualify range recursive
  refresh regexp rename replace reset restore retain right rlike rollup row rows run schema schemas
  select semi set sets shallow show some sort source start system table tables tablesample target tblproperties
  temp temporary then to trailing true truncate unbounded union unique unpivot unset update use using
  vacuum values version view views when where window with within zorder`;

const types = `
  array bigint binary boolean byte char date decimal double float int integer interval long map numeric
  real short smallint string struct timestamp timestamp_ltz timestamp_ntz tinyint varchar void`;

export const sparkSql = SQLDialect.define({
  keywords,
  types,
  backslashEscapes: true,
  caseInsensitiveIdentifiers: true,
  doubleQuotedStrings: true,
  identifierQuotes: "`",
  operatorChars: "*+-%<>!=&|~^/:",
});
