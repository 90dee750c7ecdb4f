//! `cargo xtask keys`: the keys of this machine's MinIO, for `docker compose`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Writes `.env`, which Git ignores, unless it is there: keys that nobody knows. A MinIO on loopback
/// is reached by every page that the user visits, and with known keys it would be theirs.
pub fn run(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join(".env");
    if path.exists() {
        println!("{} is there already.", path.display());
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write!(
        file,
        "# Keys of this machine's MinIO: of its root user, and of the commit proxy.\n\
         MINIO_ROOT_USER=root-{}\n\
         MINIO_ROOT_PASSWORD={}\n\
         LAKEGLASS_S3_ACCESS_KEY=proxy-{}\n\
         LAKEGLASS_S3_SECRET_KEY={}\n",
        random(4)?,
        random(20)?,
        random(4)?,
        random(20)?,
    )?;
    println!("{} has new keys.", path.display());
    Ok(())
}

/// So many random bytes, in hexadecimal.
pub fn random(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("cannot read random bytes")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_the_same() {
        let (first, second) = (random(20).unwrap(), random(20).unwrap());
        assert_eq!(first.len(), 40);
        assert_ne!(first, second);
    }
}
