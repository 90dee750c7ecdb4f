use std::net::TcpListener;

use crate::run;

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
