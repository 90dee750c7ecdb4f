//! Real tables, damaged: a query ends in an error that names the file and says what is wrong with
//! it, or in the very rows that it gave before; never in other rows, a panic, or a hang.

mod lake;
mod random;

use anyhow::{Context, Result, bail, ensure};
use lake::{Answer, Lake, ROWS};
use lakeglass_tests::golden_table;
use parquet::file::metadata::ParquetMetaDataReader;

/// The table without damage, and its rows.
async fn healthy(name: &str) -> Result<(Lake, Vec<String>)> {
    let lake = Lake::of(golden_table(name)?.path()).await?;
    let rows = lake.rows().await?;
    let rows = rows.map_err(anyhow::Error::msg).context("undamaged")?;
    Ok((lake, rows))
}

/// Reading the table must fail, and the error must hold all these texts.
async fn fails_naming(lake: &Lake, texts: &[&str]) -> Result<()> {
    names(lake.rows().await?, texts)
}

/// An answer must be an error that holds all these texts.
fn names(answer: Result<Vec<String>, String>, texts: &[&str]) -> Result<()> {
    match answer {
        Ok(rows) => bail!("{} rows came", rows.len()),
        Err(message) => {
            let missing = texts.iter().find(|text| !message.contains(**text));
            ensure!(missing.is_none(), "`{message}` lacks {missing:?}");
            Ok(())
        }
    }
}

/// What is wrong must not matter for this query.
async fn still_gives(lake: &Lake, rows: &[String]) -> Result<()> {
    match lake.rows().await? {
        Ok(found) if found == rows => Ok(()),
        Ok(found) => bail!("{} rows, other than the {} before", found.len(), rows.len()),
        Err(message) => bail!("{message}"),
    }
}

/// A checkpoint's file is at fault. While the log goes back to its first commit, the rows are those of
/// before, and a warning holds this text; without that commit it is an error that holds it.
async fn is_read_around(lake: &Lake, rows: &[String], text: &str) -> Result<()> {
    let (found, warnings) = lake.rows_and_warnings().await?;
    ensure!(found == rows, "{} rows, not {}", found.len(), rows.len());
    match warnings.as_slice() {
        [warning] => ensure!(warning.contains(text), "`{warning}` lacks {text}"),
        _ => bail!("{} warnings", warnings.len()),
    }
    lake.delete("_delta_log/00000000000000000000.json").await?;
    fails_naming(lake, &[text]).await
}

/// Runs a check for each of these, and reports all that fail.
async fn each<T: std::fmt::Debug, F: Future<Output = Result<()>>>(
    cases: impl IntoIterator<Item = T>,
    check: impl Fn(&T) -> F,
) {
    let mut failures = Vec::new();
    for case in cases {
        if let Err(error) = check(&case).await {
            failures.push(format!("{case:?}: {error:#}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

const PLAIN: &str = "dat-basic_partitioned";
const CHECKPOINT: &str = "kjava-basic-with-checkpoint";
const MULTIPART: &str = "kjava-kernel-pagination-multi-part-checkpoints";
const SIDECARS: &str = "golden-v2-checkpoint-parquet";
const VECTOR: &str = "rs-table-with-dv-small";

#[tokio::test]
async fn commit_with_a_broken_line_is_named_with_the_line() {
    type Break = fn(&str) -> String;
    let breaks: [(&str, Break); 4] = [
        ("cut", |text| text[..text.len() * 3 / 4].to_owned()),
        ("html", |text| format!("{}\n<html>\n", text.trim_end())),
        ("type", |text| {
            text.replace("\"size\":", "\"size\":\"x\",\"was\":")
        }),
        ("nul", |text| text.replacen('{', "\0", 1)),
    ];
    let (lake, _) = healthy(PLAIN).await.unwrap();
    each(breaks.iter().map(|(name, _)| *name), |name| {
        let (lake, name) = (lake.clone(), *name);
        async move {
            let lake = lake.fork().await?;
            let commit = "_delta_log/00000000000000000001.json";
            let text = String::from_utf8(lake.read(commit).await?)?;
            let (_, damage) = breaks
                .iter()
                .find(|(other, _)| *other == name)
                .context("one")?;
            lake.put(commit, damage(&text).into()).await?;
            fails_naming(&lake, &["00000000000000000001.json line "]).await
        }
    })
    .await;
}

#[tokio::test]
async fn gap_in_the_log_is_an_error_that_names_the_version() {
    let (lake, _) = healthy(CHECKPOINT).await.unwrap();
    lake.delete("_delta_log/00000000000000000012.json")
        .await
        .unwrap();
    fails_naming(&lake, &["12"]).await.unwrap();
}

#[tokio::test]
async fn hint_that_is_wrong_changes_nothing() {
    let hints = [
        r#"{"version":7,"size":1}"#,
        r#"{"version":99999,"size":1}"#,
        r#"{"version":10,"size":1,"parts":3}"#,
        r#"{"version":-1}"#,
        r#"{"version":9223372036854775807,"size":1}"#,
        "<html>",
        "",
    ];
    each(hints, |hint| {
        let hint = hint.to_string();
        async move {
            let (lake, rows) = healthy(CHECKPOINT).await?;
            lake.put("_delta_log/_last_checkpoint", hint.into()).await?;
            still_gives(&lake, &rows).await
        }
    })
    .await;
}

/// Other bytes for a file, given its own.
type Damage = (&'static str, fn(Vec<u8>) -> Vec<u8>);

const DAMAGE: [Damage; 8] = [
    ("empty", |_| Vec::new()),
    ("one byte", |bytes| bytes[..1].to_vec()),
    ("half", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("all but a byte", |bytes| bytes[..bytes.len() - 1].to_vec()),
    ("zeros", |bytes| vec![0; bytes.len()]),
    ("html", |_| b"<html>not found</html>".to_vec()),
    ("footer overwritten", |mut bytes| {
        let end = bytes.len();
        bytes[end - 40..end - 8].fill(0xff);
        bytes
    }),
    ("footer longer than the file", |mut bytes| {
        let end = bytes.len();
        let length = u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes();
        bytes[end - 8..end - 4].copy_from_slice(&length);
        bytes
    }),
];

#[tokio::test]
async fn checkpoint_that_is_damaged_is_read_around_and_named() {
    let tables = [
        (CHECKPOINT, "10.checkpoint.parquet"),
        (MULTIPART, "0000000002.0000000003.parquet"),
        (
            SIDECARS,
            "_sidecars/00000000000000000002.checkpoint.0000000001.0000000002.055454d8-329c-4e0e-864d-7f867075af33.parquet",
        ),
        (SIDECARS, "8fa2696-9728-4e9c-b285-634743fdd4fb.parquet"),
    ];
    let cases = tables
        .iter()
        .flat_map(|table| DAMAGE.iter().map(move |damage| (table, damage.0)));
    each(cases, |((table, end), name)| {
        let (table, end, name) = (*table, *end, *name);
        async move {
            let (lake, rows) = healthy(table).await?;
            let file = lake.file(end).await?;
            let (_, damage) = DAMAGE
                .iter()
                .find(|(other, _)| *other == name)
                .context("one")?;
            lake.put(&file, damage(lake.read(&file).await?)).await?;
            is_read_around(&lake, &rows, end).await
        }
    })
    .await;
}

#[tokio::test]
async fn checkpoint_part_that_is_gone_is_read_around() {
    let (lake, rows) = healthy(MULTIPART).await.unwrap();
    let part = lake.file("0000000003.0000000003.parquet").await.unwrap();
    lake.delete(&part).await.unwrap();
    let (found, warnings) = lake.rows_and_warnings().await.unwrap();
    assert_eq!(found, rows);
    assert!(warnings[0].contains("2 of its 3 parts"), "{warnings:?}");

    let (lake, rows) = healthy(SIDECARS).await.unwrap();
    let files = lake.files().await.unwrap();
    let sidecar = files
        .iter()
        .find(|name| name.contains("_sidecars/0"))
        .unwrap();
    lake.delete(sidecar).await.unwrap();
    is_read_around(&lake, &rows, sidecar).await.unwrap();
}

#[tokio::test]
async fn checkpoint_that_is_another_parquet_file_is_read_around() {
    let (lake, rows) = healthy(CHECKPOINT).await.unwrap();
    let checkpoint = lake.file("10.checkpoint.parquet").await.unwrap();
    let other = lake.file("c000.snappy.parquet").await.unwrap();
    lake.put(&checkpoint, lake.read(&other).await.unwrap())
        .await
        .unwrap();
    is_read_around(&lake, &rows, &checkpoint).await.unwrap();
}

#[tokio::test]
async fn deletion_vector_that_is_damaged_is_an_error() {
    let (lake, _) = healthy(VECTOR).await.unwrap();
    let file = lake.file(".bin").await.unwrap();
    let bytes = lake.read(&file).await.unwrap();
    let mut cases: Vec<(String, Option<Vec<u8>>)> = vec![
        ("gone".to_owned(), None),
        (
            "shifted".to_owned(),
            Some([&[0], bytes.as_slice()].concat()),
        ),
    ];
    for cut in [0, 1, 5, bytes.len() / 2, bytes.len() - 1] {
        cases.push((format!("cut at {cut}"), Some(bytes[..cut].to_vec())));
    }
    // All but the version, which is the file's first byte: every other one is checked.
    for bit in 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        cases.push((format!("bit {bit} flipped"), Some(flipped)));
    }
    each(cases, |(_, damaged)| {
        let (lake, file, damaged) = (lake.clone(), file.clone(), damaged.clone());
        async move {
            let lake = lake.fork().await?;
            match damaged {
                Some(damaged) => lake.put(&file, damaged).await?,
                None => lake.delete(&file).await?,
            }
            fails_naming(&lake, &["deletion", "vector"]).await
        }
    })
    .await;
}

#[tokio::test]
async fn deletion_vector_that_the_log_describes_otherwise_is_an_error() {
    let wrong = [
        ("\"sizeInBytes\":36", "\"sizeInBytes\":35"),
        ("\"sizeInBytes\":36", "\"sizeInBytes\":4000000000000000000"),
        ("\"sizeInBytes\":36", "\"sizeInBytes\":-1"),
        ("\"cardinality\":2", "\"cardinality\":3"),
        ("\"cardinality\":2", "\"cardinality\":-2"),
        ("\"offset\":1", "\"offset\":2"),
        ("\"offset\":1", "\"offset\":-1"),
        ("\"offset\":1", "\"offset\":900719925474099"),
        ("\"storageType\":\"u\"", "\"storageType\":\"q\""),
        ("\"storageType\":\"u\"", "\"storageType\":\"i\""),
    ];
    each(wrong, |(from, to)| {
        let (from, to) = (*from, *to);
        async move {
            let (lake, _) = healthy(VECTOR).await?;
            let commit = "_delta_log/00000000000000000001.json";
            let text = String::from_utf8(lake.read(commit).await?)?;
            ensure!(text.contains(from), "{text}");
            lake.put(commit, text.replace(from, to).into()).await?;
            fails_naming(&lake, &["deletion", "vector"]).await
        }
    })
    .await;
}

#[tokio::test]
async fn data_file_that_is_not_what_the_log_says_is_named() {
    each(DAMAGE.map(|(name, _)| name), |name| {
        let name = *name;
        async move {
            let (lake, _) = healthy(PLAIN).await?;
            let file = lake.file("parquet").await?;
            let (_, damage) = DAMAGE
                .iter()
                .find(|(other, _)| *other == name)
                .context("one")?;
            lake.put(&file, damage(lake.read(&file).await?)).await?;
            fails_naming(&lake, &[&file]).await
        }
    })
    .await;
}

#[tokio::test]
async fn page_that_its_checksum_does_not_fit_is_an_error() {
    // Written by Spark, which puts checksums into page headers.
    let (lake, _) = healthy("dat-all_primitive_types").await.unwrap();
    let file = lake.file("parquet").await.unwrap();
    let bytes = lake.read(&file).await.unwrap();
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::from(bytes.clone()))
        .unwrap();
    let chunks = metadata.row_group(0).columns();
    assert!(chunks.len() > 8);
    each(chunks, |chunk| {
        // The last byte of a column chunk is the last one of a page.
        let (start, length) = chunk.byte_range();
        let mut damaged = bytes.clone();
        damaged[(start + length - 1) as usize] ^= 1;
        let (lake, file) = (lake.clone(), file.clone());
        async move {
            let lake = lake.fork().await?;
            lake.put(&file, damaged).await?;
            fails_naming(&lake, &[&file]).await
        }
    })
    .await;
}

#[tokio::test]
async fn page_header_that_is_damaged_is_an_error_or_another_page() {
    // No checksum covers a page's header, and the decoders take it on trust, up to a panic.
    let (lake, _) = healthy(VECTOR).await.unwrap();
    let file = lake.file("c000.snappy.parquet").await.unwrap();
    let bytes = lake.read(&file).await.unwrap();
    let mut panics = 0;
    // The file's first page begins behind its magic number.
    for bit in 4 * 8..36 * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let lake = lake.fork().await.unwrap();
        lake.put(&file, damaged).await.unwrap();
        // An error, too, where it panics.
        if let Err(message) = lake.rows().await.unwrap() {
            assert!(message.contains(&file), "bit {bit}: {message}");
            panics += usize::from(message.contains("Decoder for dict"));
        }
    }
    assert!(panics > 0, "a damaged header that makes a decoder panic");
}

#[tokio::test]
async fn data_file_with_other_rows_than_the_log_says_is_refused() {
    let (lake, _) = healthy("krs-cdf-table-delete-conditional-two-rows")
        .await
        .unwrap();
    let commit = "_delta_log/00000000000000000000.json";
    let text = String::from_utf8(lake.read(commit).await.unwrap()).unwrap();
    let lies = text.replace(r#"\"numRecords\":3"#, r#"\"numRecords\":4"#);
    assert_ne!(text, lies);
    lake.put(commit, lies.into()).await.unwrap();
    each(
        [
            ROWS,
            "SELECT * FROM table_changes('delta.`s3a://lake/t`', 0, 0)",
        ],
        |sql| {
            let (lake, sql) = (lake.clone(), *sql);
            async move { names(lake.query(sql).await?, &[".parquet", "3 rows", "says 4"]) }
        },
    )
    .await;
}

#[tokio::test]
async fn data_file_of_another_table_is_refused() {
    // Of the same size as the log says, so that only its content can tell.
    let (lake, _) = healthy(PLAIN).await.unwrap();
    let file = lake.file("parquet").await.unwrap();
    let size = lake.read(&file).await.unwrap().len();
    let other = healthy(CHECKPOINT).await.unwrap().0;
    let name = other.file("c000.snappy.parquet").await.unwrap();
    let foreign = other.read(&name).await.unwrap();
    ensure_fits(&lake, &file, &foreign, size).await.unwrap();
    fails_naming(&lake, &[&file]).await.unwrap();
}

/// Puts `foreign` in the place of `file`, and its size into the log.
async fn ensure_fits(lake: &Lake, file: &str, foreign: &[u8], size: usize) -> Result<()> {
    let commit = "_delta_log/00000000000000000000.json";
    for commit in [commit, "_delta_log/00000000000000000001.json"] {
        let text = String::from_utf8(lake.read(commit).await?)?;
        let lines = text.lines().map(|line| match line.contains(file) {
            true => line.replace(
                &format!("\"size\":{size}"),
                &format!("\"size\":{}", foreign.len()),
            ),
            false => line.to_owned(),
        });
        let lines: Vec<String> = lines.collect();
        lake.put(commit, lines.join("\n").into()).await?;
    }
    lake.put(file, foreign.to_vec()).await
}

#[tokio::test]
async fn responses_that_are_wrong_are_errors_that_name_the_file() {
    let files = [
        (PLAIN, "_delta_log/00000000000000000001.json"),
        (PLAIN, "parquet"),
        (CHECKPOINT, "10.checkpoint.parquet"),
        (SIDECARS, "34743fdd4fb.parquet"),
        (VECTOR, ".bin"),
        (VECTOR, "c000.snappy.parquet"),
    ];
    let answers = [
        Answer::CutShort(1),
        Answer::CutShort(20),
        Answer::CutShort(usize::MAX),
        Answer::WrongRange,
        Answer::Vanishes(0),
    ];
    let cases = files
        .iter()
        .flat_map(|file| answers.iter().map(move |answer| (*file, *answer)));
    each(cases, |((table, end), answer)| {
        let (table, end, answer) = (*table, *end, *answer);
        async move {
            let (lake, rows) = healthy(table).await?;
            let file = lake.file(end).await?;
            lake.answer(&file, answer);
            // A whole small file is its own start; what a checkpoint says, the commits say too.
            let is_checkpoint = table == CHECKPOINT || table == SIDECARS;
            if answer == Answer::WrongRange && !file.ends_with(".bin")
                || answer == Answer::Vanishes(0) && is_checkpoint
            {
                return still_gives(&lake, &rows).await;
            }
            fails_naming(&lake, &[&file]).await
        }
    })
    .await;
}

#[tokio::test]
async fn file_that_vanishes_while_it_is_read_is_named() {
    // Files of more than the 64 KiB that come with the footer take a second request.
    let (lake, rows) = healthy(PLAIN).await.unwrap();
    let file = lake.file("parquet").await.unwrap();
    lake.answer(&file, Answer::Vanishes(1));
    match lake.rows().await.unwrap() {
        Ok(found) => assert_eq!(found, rows),
        Err(message) => assert!(message.contains(&file), "{message}"),
    }
}
