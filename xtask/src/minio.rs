//! `cargo xtask minio`: a MinIO to test against, or to play with.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::{self, Guard};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{system, tools};

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

/// The keys of a MinIO that is started here. Loopback only, so no secret.
const ACCESS_KEY: &str = "minioadmin";
const SECRET_KEY: &str = "minioadmin";

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
    let mut server = Guard::spawn(
        workspace
            .command(&minio)
            .args(["server", "--quiet", "--address", &address])
            .arg(&data)
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off"),
    )
    .context("cannot start MinIO")?;
    let endpoint = format!("http://{address}");
    steps.step("minio", "create the buckets", || {
        let mut node = workspace.command("node");
        node.arg("tests/browser/support/create-buckets.mjs")
            .args([&endpoint, ACCESS_KEY, SECRET_KEY])
            .args(["raw-data-bucket=public", "curated-data-bucket=private"]);
        process::run("minio", &mut node, |_| ())
    })?;
    println!();
    println!(
        "  MinIO is at {endpoint}, keys {ACCESS_KEY} / {SECRET_KEY}. Now, in another terminal:"
    );
    let lakeglass = workspace.lakeglass();
    println!(
        "  {} serve --seed --s3-endpoint {endpoint} \\",
        lakeglass.display()
    );
    println!("    --s3-access-key {ACCESS_KEY} --s3-secret-key {SECRET_KEY}");
    println!();
    let status = server.wait()?;
    if !status.success() {
        bail!("MinIO ended ({status})");
    }
    Ok(())
}
