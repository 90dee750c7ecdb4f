//! Commits over HTTP.

use std::hash::{BuildHasher, Hasher, RandomState};

use async_trait::async_trait;
use bytes::Bytes;
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::commit_http::{REQUEST, SOURCE, outcome_unknown, read_answer, unreachable};
use query_engine::Committer;

use crate::errors::chain;

/// Commits through a running proxy's `POST /api/v1/commit`, each with one request: a second one
/// could make the write twice.
#[derive(Debug, Clone)]
pub struct HttpCommitter {
    client: reqwest::Client,
    proxy: String,
}

impl HttpCommitter {
    /// `proxy`: scheme, host and port.
    pub fn new(proxy: &str) -> Self {
        Self {
            client: reqwest::Client::new(),
            proxy: proxy.trim_end_matches('/').to_owned(),
        }
    }
}

#[async_trait]
impl Committer for HttpCommitter {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        let request = serde_json::to_vec(&request)
            .map_err(|error| Error::new("INTERNAL_ERROR", error.to_string()))?;
        let (content_type, body) = multipart(&request, source.as_deref());
        let sent = self
            .client
            .post(format!("{}/api/v1/commit", self.proxy))
            .header("content-type", content_type)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| {
            let why = chain(&error);
            // Everything else may have happened after the proxy got the request.
            if error.is_connect() || error.is_builder() {
                unreachable(&self.proxy, &why)
            } else {
                outcome_unknown(&self.proxy, &why)
            }
        })?;
        let status = response.status().as_u16();
        let body = response.bytes().await;
        let body = body.map_err(|error| outcome_unknown(&self.proxy, &chain(&error)))?;
        read_answer(&self.proxy, status, &body)
    }
}

/// The request's content type and its body, with the rows if there are any.
fn multipart(request: &[u8], source: Option<&[u8]>) -> (String, Vec<u8>) {
    let parts = [Some((REQUEST, request)), source.map(|rows| (SOURCE, rows))];
    let boundary = boundary();
    let mut body = Vec::new();
    for (part, content) in parts.into_iter().flatten() {
        body.extend_from_slice(
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"\r\n\
                 content-type: {}\r\n\r\n",
                part.name, part.media_type
            )
            .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// 128 random bits, which no part's content will hold.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("lakeglass-{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use messages::commit::Operation;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn request() -> CommitRequest {
        CommitRequest {
            table: "s3a://raw/t".to_owned(),
            operation: Operation::Delete { predicate: None },
        }
    }

    /// A server that reads one commit, writes `answer` and closes the connection. Its address.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut received = Vec::new();
            // The last part's end is the request's.
            while !received.ends_with(b"--\r\n") {
                assert_ne!(connection.read_buf(&mut received).await.unwrap(), 0);
            }
            connection.write_all(answer.as_bytes()).await.unwrap();
        });
        format!("http://{address}")
    }

    async fn commit(proxy: &str) -> Result<CommitOutcome, Error> {
        let rows = Bytes::from_static(b"rows");
        HttpCommitter::new(proxy)
            .commit(request(), Some(rows))
            .await
    }

    #[tokio::test]
    async fn connection_lost_after_the_request_leaves_the_outcome_unknown() {
        for answer in [
            // Nothing at all; half of the head; half of the body, by its length and in chunks.
            "",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"version\":3",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ver",
            // A whole answer, but not of a commit proxy.
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n",
        ] {
            let proxy = server(answer).await;
            let error = commit(&proxy).await.unwrap_err();
            assert_eq!(error.code, "COMMIT_OUTCOME_UNKNOWN", "{answer}: {error}");
            assert!(error.message.contains(&proxy), "{error}");
            assert!(error.hint.unwrap().contains("DESCRIBE HISTORY"));
        }
    }

    #[tokio::test]
    async fn proxy_that_is_not_there_wrote_nothing() {
        // A port that was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        for proxy in [proxy.as_str(), "no address"] {
            let error = commit(proxy).await.unwrap_err();
            assert_eq!(error.code, "COMMIT_PROXY_UNREACHABLE", "{error}");
            assert!(error.message.contains("Nothing was written"), "{error}");
        }
    }

    #[tokio::test]
    async fn outcome_is_passed_on() {
        let proxy = server(
            "HTTP/1.1 200 OK\r\ncontent-length: 61\r\n\r\n\
             {\"version\":3,\"operation\":\"DELETE\",\"result\":[],\"metrics\":{}}\r\n",
        )
        .await;
        assert_eq!(commit(&proxy).await.unwrap().version, Some(3));
    }
}
