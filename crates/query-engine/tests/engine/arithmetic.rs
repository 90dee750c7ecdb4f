//! Arithmetic that has no room for its result ends in an error, never in another number.

use crate::support::{Lake, run};

#[tokio::test]
async fn whole_numbers_that_overflow_are_an_error_and_not_another_number() {
    let engine = Lake::default().engine();
    for sql in [
        "SELECT 9223372036854775807 + 1",
        "SELECT v * 2 FROM VALUES (9223372036854775807) AS t(v)",
        "SELECT -v - 2 FROM VALUES (9223372036854775807) AS t(v)",
        "SELECT sum(v) FROM VALUES (9223372036854775807), (1) AS t(v)",
        "SELECT sum(DISTINCT v) FROM VALUES (9223372036854775807), (1), (1) AS t(v)",
        "SELECT g, sum(v) FROM VALUES (1, 9223372036854775807), (1, 1) AS t(g, v) GROUP BY g",
        "SELECT sum(v) OVER (ORDER BY v) FROM VALUES (9223372036854775807), (1) AS t(v)",
    ] {
        let error = run(&engine, sql).await.err().unwrap();
        assert_eq!(error.code, "ARITHMETIC_OVERFLOW", "{sql}");
    }
    let (rows, _) = run(
        &engine,
        "SELECT v + 1, 2 * v - 1, v + NULL FROM VALUES (3) AS t(v)",
    )
    .await
    .unwrap();
    assert_eq!(rows, [["4", "5", "NULL"]]);
    // What it is on the way does not matter.
    let sums = "SELECT sum(v), sum(DISTINCT v), count(v) FROM VALUES (9223372036854775807), \
                (9223372036854775807), (-9223372036854775807), (NULL) AS t(v)";
    let (rows, _) = run(&engine, sums).await.unwrap();
    assert_eq!(rows, [["9223372036854775807", "0", "3"]]);
    let sums = "SELECT v, sum(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s \
                FROM VALUES (1), (2), (4) AS t(v) ORDER BY v";
    let (rows, _) = run(&engine, sums).await.unwrap();
    assert_eq!(rows, [["1", "1"], ["2", "3"], ["4", "6"]]);
}

#[tokio::test]
async fn decimals_of_more_than_38_digits_are_an_error_and_not_another_number() {
    let engine = Lake::default().engine();
    let greatest = "CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))";
    for expression in [
        "v + 1", "1 + v", "v * v", "-v - v", "v * 10", "v / 0.1", "sum(v)",
    ] {
        let sql = format!("SELECT {expression} FROM VALUES ({greatest}), ({greatest}) AS t(v)");
        let error = run(&engine, &sql).await.expect_err(&sql);
        assert_eq!(error.code, "ARITHMETIC_OVERFLOW", "{sql}");
    }
    let sql = format!("SELECT v - 1, v + NULL, sum(v) FROM VALUES ({greatest}) AS t(v) GROUP BY v");
    let (rows, _) = run(&engine, &sql).await.unwrap();
    let digits = "9".repeat(37);
    assert_eq!(
        rows,
        [[
            format!("{digits}8"),
            "NULL".to_owned(),
            format!("{digits}9")
        ]]
    );

    let sql = "SELECT v + 1, v - 0.25, 2 * v, v * v, v / 4, sum(v) OVER () \
               FROM VALUES (CAST('1.50' AS DECIMAL(10, 2))) AS t(v)";
    let (rows, _) = run(&engine, sql).await.unwrap();
    assert_eq!(
        rows,
        [["2.50", "1.25", "3.00", "2.2500", "0.375000", "1.50"]]
    );
}
