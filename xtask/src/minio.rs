//! `cargo xtask minio`: a MinIO to test against, or to play with.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::{self, Guard};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{keys, system, tools};

/// Options of `cargo xtask minio`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Start it too, with the two buckets: `raw-data-bucket` readable by anyone,
    /// `curated-data-bucket` with keys only. Ends with Ctrl-C.
    #[arg(long)]
    run: bool,
    /// Port of its S3 API, on 127.0.0.1.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Folder of its objects; `target/minio-data` unless given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Origins whose pages may read and write it: those of `lakeglass serve`.
const PAGES: &str = "http://127.0.0.1:4600,http://localhost:4600";

/// Makes sure of MinIO, and runs it where asked.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = Steps::new();
    let minio = tools::ensure_minio(workspace, &steps)?;
    if !options.run {
        println!("{}", minio.display());
        return Ok(());
    }
    system::ensure(workspace, &[system::NODE])?;
    let data = options
        .data
        .clone()
        .unwrap_or_else(|| workspace.target.join("minio-data"));
    let address = format!("127.0.0.1:{}", options.port);
    // Every page that the user visits reaches loopback: with known keys it would be theirs.
    let (access_key, secret_key) = (keys::random(8)?, keys::random(20)?);
    let mut server = Guard::spawn(
        workspace
            .command(&minio)
            .args(["server", "--quiet", "--address", &address])
            .arg(&data)
            .env("MINIO_ROOT_USER", &access_key)
            .env("MINIO_ROOT_PASSWORD", &secret_key)
            .env("MINIO_API_CORS_ALLOW_ORIGIN", PAGES)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off"),
    )
    .context("cannot start MinIO")?;
    let endpoint = format!("http://{address}");
    steps.step("minio", "create the buckets", || {
        let mut node = workspace.command("node");
        node.arg("tests/browser/support/create-buckets.mjs")
            .args([&endpoint, &access_key, &secret_key])
            .args(["raw-data-bucket=public", "curated-data-bucket=private"]);
        process::run("minio", &mut node, |_| ())
    })?;
    println!();
    println!("  MinIO is at {endpoint}, with keys of this run alone. Now, in another terminal:");
    println!("  export LAKEGLASS_S3_ACCESS_KEY={access_key} LAKEGLASS_S3_SECRET_KEY={secret_key}");
    let lakeglass = workspace.lakeglass();
    println!(
        "  {} serve --seed --s3-endpoint {endpoint}",
        lakeglass.display()
    );
    println!();
    let status = server.wait()?;
    if !status.success() {
        bail!("MinIO ended ({status})");
    }
    Ok(())
}
