use std::io::Read;
use std::net::TcpListener;
use std::thread;

use crate::{run, stdout};

/// A server that reads one commit and closes the connection without an answer. Its address.
fn silent_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        // The end of the last part is the end of the request.
        while !received.ends_with(b"--\r\n") {
            let count = connection.read(&mut buffer).unwrap();
            assert_ne!(count, 0);
            received.extend_from_slice(&buffer[..count]);
        }
    });
    format!("http://{address}")
}

#[test]
fn batch_whose_answer_is_lost_is_neither_committed_nor_refused() {
    let data = tempfile::tempdir().unwrap();
    let proxy = silent_proxy();
    let printed = stdout(
        &["simulate", "--count", "1", "--seed", "1", "--proxy", &proxy],
        data.path(),
    );
    let lines: Vec<_> = printed.lines().collect();
    assert!(
        lines[1].contains("outcome unknown: [COMMIT_OUTCOME_UNKNOWN]"),
        "{printed}"
    );
    assert!(lines[1].contains("DESCRIBE HISTORY"), "{printed}");
    assert_eq!(
        lines[2],
        "0 batches committed, 0 refused, 1 of unknown outcome"
    );
}

#[test]
fn proxy_that_is_not_there_ends_the_simulation_at_once() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = run(&["simulate", "--proxy", &proxy], data.path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("COMMIT_PROXY_UNREACHABLE"), "{error}");
}
