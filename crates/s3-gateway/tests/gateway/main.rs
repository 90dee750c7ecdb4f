//! The store as its clients see it: `object_store`'s S3 client, and plain HTTP.

mod client;
mod http;

use std::fs;
use std::path::Path;

use http_guard::Callers;
use s3_gateway::Access;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The origin whose pages may read the store.
const PAGE: &str = "http://127.0.0.1:4600";

/// A store on a free port, over a folder of its own.
struct Store {
    folder: TempDir,
    /// `http://127.0.0.1:port`
    url: String,
    _stop: oneshot::Sender<()>,
}

impl Store {
    /// With one bucket, `bucket`, and each of `keys` as an object whose content is its key.
    async fn with(keys: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::create_dir(folder.path().join("bucket")).expect("bucket");
        for key in keys {
            write(&folder.path().join("bucket").join(key), key.as_bytes());
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let access = Access {
            callers: Some(Callers {
                hosts: Vec::new(),
                origins: vec![PAGE.to_owned()],
            }),
            buckets: [".lakeglass", "another", "bucket", "none"]
                .map(str::to_owned)
                .to_vec(),
        };
        let served = s3_gateway::serve(listener, folder.path().to_owned(), access, async {
            let _ = stopped.await;
        });
        tokio::spawn(served);
        Self {
            folder,
            url,
            _stop: stop,
        }
    }

    fn write(&self, key: &str, content: &[u8]) {
        write(&self.folder.path().join("bucket").join(key), content);
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("parent")).expect("folders");
    fs::write(path, content).expect("file");
}
