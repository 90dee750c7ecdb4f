//! The golden tables through the embedded store: as on the disk, whatever is in their names.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use delta_log::{Snapshot, Table, TimeTravel};
use lakeglass_tests::{GoldenTable, golden_tables, open_local};
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use s3_gateway::Access;

const BUCKET: &str = "tables";

/// Serves the folder that has the golden tables as its only bucket.
async fn gateway() -> Result<AmazonS3> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let access = Access {
        callers: None,
        buckets: vec![BUCKET.to_owned()],
    };
    let served = s3_gateway::serve(listener, folder, access, std::future::pending());
    tokio::spawn(served);
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_bucket_name(BUCKET)
        .with_region("us-east-1")
        .with_skip_signature(true)
        .with_allow_http(true)
        .build()?;
    Ok(store)
}

fn paths(snapshot: &Snapshot, root: &str) -> Result<Vec<String>> {
    let files = snapshot.files();
    let mut paths = Vec::new();
    for i in 0..files.len() {
        let path = files.path(i)?.to_string();
        paths.push(
            path.strip_prefix(root)
                .context("outside of the table")?
                .to_owned(),
        );
    }
    paths.sort();
    Ok(paths)
}

async fn check(golden: &GoldenTable, store: &Arc<AmazonS3>) -> Result<usize> {
    let local = open_local(golden.path())?
        .snapshot(TimeTravel::Latest)
        .await?;
    let root = format!("{}/table", golden.name);
    let location = format!("s3a://{BUCKET}/{root}");
    let table = Table::new(store.clone(), Path::parse(&root)?, location, true);
    let served = table.snapshot(TimeTravel::Latest).await?;
    ensure!(
        served.version() == local.version(),
        "version {}",
        served.version()
    );
    let expected = paths(&local, "")?;
    ensure!(
        paths(&served, &format!("{root}/"))? == expected,
        "other files"
    );
    let mut read = 0;
    for i in 0..served.files().len() {
        let path = served.files().path(i)?;
        let on_disk = golden.path().join(
            path.as_ref()
                .strip_prefix(&root)
                .context("root")?
                .trim_start_matches('/'),
        );
        if !on_disk.exists() {
            continue;
        }
        let start = store
            .get_range(&path, 0..4)
            .await
            .with_context(|| path.to_string())?;
        ensure!(
            start.as_ref() == b"PAR1",
            "{path} does not start as a Parquet file"
        );
        read += 1;
    }
    Ok(read)
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_their_files_are_served_as_they_are_on_the_disk() {
    let store = Arc::new(gateway().await.unwrap());
    let (mut files, mut failures) = (0, Vec::new());
    for golden in golden_tables().unwrap() {
        if !golden.is_readable() {
            continue;
        }
        match check(&golden, &store).await {
            Ok(read) => files += read,
            Err(error) => failures.push(format!("{}: {error:#}", golden.name)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(files > 200, "{files} files were read");
}
