//! What a write says of rows, as queries.

use super::*;

fn delete(sql: &str) -> Delete {
    match write(sql).operation {
        WriteOperation::Delete(delete) => delete,
        other => panic!("{other:?}"),
    }
}

/// The query in DataFusion's words, where tables and the target have the dimension's columns.
fn planned(query: &Query) -> String {
    query
        .resolve(&|_| Some(dimension()))
        .unwrap_or_else(|error| panic!("{error}"))
        .to_string()
}

#[test]
fn a_condition_stands_in_a_query_over_the_target() {
    let query = delete("DELETE FROM lake.t WHERE LAKE.t.AMOUNT / 2 > 1 AND T.type RLIKE 'a'");
    let query = query.rows(&dimension()).unwrap();
    assert!(query.references.is_empty());
    assert_eq!(
        planned(&query),
        "SELECT * FROM __lakeglass_target AS `t` \
         WHERE `t`.amount / 2 > 1 AND regexp_like(`t`.type, 'a')"
    );
}

#[test]
fn tables_of_subqueries_are_looked_up_and_never_the_target_itself() {
    let sql = "DELETE FROM t WHERE amount > (SELECT avg(Amount) FROM t AS u WHERE u.type = t.type)
               OR EXISTS (SELECT * FROM __lakeglass_target)";
    let query = delete(sql).rows(&dimension()).unwrap();
    assert_eq!(query.references.len(), 2);
    let planned = planned(&query);
    let correlated = "FROM __lakeglass_0 AS u WHERE `u`.type = `t`.type";
    assert!(planned.contains(correlated), "{planned}");
    assert!(planned.contains("FROM __lakeglass_1"), "{planned}");
}

#[test]
fn names_that_the_table_does_not_have_are_refused_with_those_that_it_has() {
    let error = delete("DELETE FROM t WHERE amuont = 1")
        .rows(&dimension())
        .unwrap_err();
    assert_eq!(error.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    assert!(error.hint.unwrap().contains("`amount`"));
}

#[test]
fn an_update_computes_its_values_beside_the_rows() {
    let update = match write("UPDATE t SET Amount = 1, t.type = upper(type) WHERE true").operation {
        WriteOperation::Update(update) => update,
        other => panic!("{other:?}"),
    };
    let updated = update.rows(&dimension()).unwrap();
    assert_eq!(updated.columns, ["amount", "type"]);
    let first = expression_name(0);
    let planned = planned(&updated.query);
    assert!(
        planned.contains(&format!("CAST(1 AS INT) AS `{first}`")),
        "{planned}"
    );
}

#[test]
fn the_expressions_of_a_merge_are_in_the_query_of_what_they_see() {
    let sql = "MERGE INTO t USING u AS s ON t.type = s.type
               WHEN MATCHED AND t.amount > 1 THEN UPDATE SET amount = s.amount
               WHEN NOT MATCHED THEN INSERT (type) VALUES (type)
               WHEN NOT MATCHED BY SOURCE THEN DELETE";
    let merged = merge(sql).rows(&dimension(), &dimension(), false).unwrap();
    assert_eq!(merged.clauses[0].condition, Some(1));
    let update = MergedAction::Update(vec![("amount".to_owned(), 2)]);
    assert_eq!(merged.clauses[0].action, update);
    let insert = MergedAction::Insert(vec![("type".to_owned(), 0)]);
    assert_eq!(merged.clauses[1].action, insert);
    let source = planned(merged.not_matched.as_ref().unwrap());
    assert!(
        source.ends_with("FROM __lakeglass_source AS `s`"),
        "{source}"
    );
    let both = planned(&merged.matched);
    assert!(
        both.ends_with("FROM __lakeglass_target AS `t`, __lakeglass_source AS `s`"),
        "{both}"
    );
    assert!(merged.not_matched_by_source.is_some());
}

#[test]
fn expressions_of_a_log_are_spark_sql_and_one_each() {
    let query = expressions_over_rows(&["amount DIV 2", "type <=> 'a'"]).unwrap();
    let planned = planned(&query);
    assert!(planned.contains("IS NOT DISTINCT FROM 'a'"), "{planned}");
    for text in ["", "a b", "1; 2", "a >"] {
        let error = expressions_over_rows(&[text]).map(|query| query.references.len());
        let error = error.unwrap_err();
        assert_eq!(error.code, "PARSE_SYNTAX_ERROR", "{text}");
    }
}
