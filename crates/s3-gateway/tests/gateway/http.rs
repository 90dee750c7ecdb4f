//! What the wire shows: status codes, headers, S3's XML.

use std::fs;

use reqwest::{Client, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{PAGE, Store};

async fn get(store: &Store, path: &str) -> (StatusCode, String) {
    let response = reqwest::get(format!("{}{path}", store.url))
        .await
        .expect("response");
    (response.status(), response.text().await.expect("text"))
}

/// Sends a request target as it is: URL libraries resolve `..` before they send it.
async fn get_verbatim(store: &Store, target: &str) -> String {
    let address = store.url.strip_prefix("http://").expect("scheme");
    let mut stream = TcpStream::connect(address).await.expect("connection");
    let request = format!("GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answer");
    answer
}

#[tokio::test]
async fn nothing_outside_a_bucket_can_be_read() {
    let store = Store::with(&["file", ".hidden", "table/.lakeglass", "table/part#12"]).await;
    fs::write(store.folder.path().join("secret"), "secret").unwrap();
    fs::create_dir(store.folder.path().join(".lakeglass")).unwrap();
    fs::write(store.folder.path().join(".lakeglass/secret"), "secret").unwrap();
    for target in [
        "/bucket/../secret",
        "/bucket/%2e%2e/secret",
        "/bucket/..%2fsecret",
        "/bucket/%2e%2e%2fsecret",
        "/bucket//../secret",
        "/bucket/./file",
        "/bucket//file",
        "/bucket/file/",
        "/../secret",
        "/%2e%2e/secret",
        "/.lakeglass/secret",
        "/bucket/.hidden",
        "/bucket/table/.lakeglass",
        "/bucket/table/part%2312",
        "/bucket/file%00",
        "/secret",
        "/secret/x",
    ] {
        let answer = get_verbatim(&store, target).await;
        assert!(
            answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5"),
            "{target}: {answer}"
        );
        assert!(!answer.contains("\r\n\r\nsecret"), "{target}: {answer}");
        assert!(answer.contains("<Error>"), "{target}: {answer}");
    }
    for query in [
        "",
        "&prefix=../",
        "&prefix=/",
        "&prefix=.",
        "&prefix=table/",
        "&prefix=table/.l",
    ] {
        let (status, body) = get(&store, &format!("/bucket?list-type=2{query}")).await;
        assert_eq!(status, 200);
        assert!(
            !body.contains("secret") && !body.contains("hidden") && !body.contains("part"),
            "{body}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_are_neither_listed_nor_followed() {
    use std::os::unix::fs::symlink;
    let store = Store::with(&["file", "folder/below"]).await;
    let bucket = store.folder.path().join("bucket");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path(), bucket.join("link")).unwrap();
    symlink(outside.path().join("secret"), bucket.join("secret")).unwrap();
    symlink(bucket.join("folder"), bucket.join("inside")).unwrap();
    symlink(outside.path(), store.folder.path().join("linked-bucket")).unwrap();
    for path in [
        "/bucket/link/secret",
        "/bucket/secret",
        "/bucket/inside/below",
    ] {
        assert_eq!(get(&store, path).await.0, 404, "{path}");
    }
    assert_eq!(get(&store, "/linked-bucket/secret").await.0, 404);
    let (_, body) = get(&store, "/bucket?list-type=2").await;
    assert!(body.contains("<KeyCount>2</KeyCount>"), "{body}");
    let (_, body) = get(&store, "/bucket?list-type=2&prefix=link/").await;
    assert!(body.contains("<KeyCount>0</KeyCount>"), "{body}");
    let (_, body) = get(&store, "/").await;
    assert!(!body.contains("linked-bucket"), "{body}");
}

#[tokio::test]
async fn errors_are_s3_xml_with_a_request_id() {
    let store = Store::with(&["file"]).await;
    for (method, path, status, code) in [
        (Method::GET, "/bucket/missing", 404, "NoSuchKey"),
        (Method::GET, "/nowhere/missing", 404, "NoSuchBucket"),
        (Method::GET, "/nowhere?list-type=2", 404, "NoSuchBucket"),
        (Method::GET, "/bucket?acl", 501, "NotImplemented"),
        (
            Method::GET,
            "/bucket?list-type=2&max-keys=-1",
            400,
            "InvalidArgument",
        ),
        (
            Method::GET,
            "/bucket?list-type=2&continuation-token=x",
            400,
            "InvalidArgument",
        ),
        (Method::PUT, "/bucket/file", 405, "MethodNotAllowed"),
        (Method::POST, "/bucket?delete", 405, "MethodNotAllowed"),
        (Method::DELETE, "/bucket/file", 405, "MethodNotAllowed"),
        (Method::PUT, "/new-bucket", 405, "MethodNotAllowed"),
    ] {
        let request = Client::new().request(method.clone(), format!("{}{path}", store.url));
        let response = request.header("origin", PAGE).send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers()["content-type"], "application/xml");
        assert_eq!(response.headers()["access-control-allow-origin"], PAGE);
        assert!(response.headers().contains_key("x-amz-request-id"));
        let body = response.text().await.unwrap();
        assert!(
            body.contains(&format!("<Code>{code}</Code>")),
            "{method} {path}: {body}"
        );
    }
}

#[tokio::test]
async fn range_beyond_the_end_is_416_and_names_the_length() {
    let store = Store::with(&["file"]).await;
    let request = Client::new().get(format!("{}/bucket/file", store.url));
    let response = request.header("range", "bytes=4-").send().await.unwrap();
    assert_eq!(response.status(), 416);
    assert_eq!(response.headers()["content-range"], "bytes */4");
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("<Code>InvalidRange</Code>")
    );
}

#[tokio::test]
async fn object_carries_the_headers_that_a_reader_needs() {
    let store = Store::with(&["file"]).await;
    let request = Client::new().get(format!("{}/bucket/file", store.url));
    let request = request.header("range", "bytes=1-2").header("origin", PAGE);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 206);
    let headers = response.headers();
    assert_eq!(headers["content-range"], "bytes 1-2/4");
    assert_eq!(headers["content-length"], "2");
    assert_eq!(headers["accept-ranges"], "bytes");
    assert_eq!(headers["cache-control"], "no-cache");
    assert!(headers["last-modified"].to_str().unwrap().ends_with(" GMT"));
    let etag = headers["etag"].to_str().unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    for name in [
        "etag",
        "content-range",
        "content-length",
        "last-modified",
        "x-amz-request-id",
    ] {
        assert!(
            exposed.split(',').any(|exposed| exposed == name),
            "{name} in {exposed}"
        );
    }
    assert_eq!(response.text().await.unwrap(), "il");
}

#[tokio::test]
async fn preflight_allows_reads_from_our_page_with_any_header() {
    let store = Store::with(&["file"]).await;
    let response = Client::new()
        .request(Method::OPTIONS, format!("{}/bucket/file", store.url))
        .header("origin", PAGE)
        .header("access-control-request-method", "GET")
        .header(
            "access-control-request-headers",
            "authorization,range,x-amz-date",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert_eq!(headers["access-control-allow-methods"], "GET,HEAD,OPTIONS");
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization,range,x-amz-date"
    );
}

#[tokio::test]
async fn pages_and_names_of_others_read_nothing() {
    let store = Store::with(&["file"]).await;
    let get = |name: &'static str, value: &'static str| {
        let request = Client::new().get(format!("{}/bucket/file", store.url));
        request.header(name, value).send()
    };
    let ours = get("origin", PAGE).await.unwrap();
    assert_eq!(ours.headers()["access-control-allow-origin"], PAGE);
    assert_eq!(ours.text().await.unwrap(), "file");
    for (name, value, status) in [
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:1", 403),
        ("host", "evil.example", 421),
    ] {
        let answer = get(name, value).await.unwrap();
        assert_eq!(answer.status(), status, "{name}: {value}");
        let headers = answer.headers();
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert!(headers.contains_key("x-amz-request-id"));
        let body = answer.text().await.unwrap();
        assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
    }
}

#[tokio::test]
async fn folder_that_is_not_named_is_no_bucket() {
    let store = Store::with(&[]).await;
    let private = store.folder.path().join("private");
    fs::create_dir(&private).unwrap();
    fs::write(private.join("letter"), "secret").unwrap();
    let (_, buckets) = get(&store, "/").await;
    assert!(!buckets.contains("private"), "{buckets}");
    for path in ["/private/letter", "/private?list-type=2"] {
        let (status, body) = get(&store, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("NoSuchBucket"), "{body}");
    }
}

#[tokio::test]
async fn pages_tell_where_they_end() {
    let store = Store::with(&["a/1", "a/2", "b c", "d"]).await;
    let (_, first) = get(
        &store,
        "/bucket?list-type=2&max-keys=2&delimiter=%2F&encoding-type=url",
    )
    .await;
    assert!(first.contains("<KeyCount>2</KeyCount>"), "{first}");
    assert!(first.contains("<IsTruncated>true</IsTruncated>"), "{first}");
    assert!(
        first.contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"),
        "{first}"
    );
    assert!(first.contains("<Key>b%20c</Key>"), "{first}");
    let token = first.split("<NextContinuationToken>").nth(1).unwrap();
    let token = token.split('<').next().unwrap();
    let (_, last) = get(
        &store,
        &format!("/bucket?list-type=2&delimiter=%2F&continuation-token={token}"),
    )
    .await;
    assert!(last.contains("<IsTruncated>false</IsTruncated>"), "{last}");
    assert!(
        last.contains("<Key>d</Key>") && last.contains("<KeyCount>1</KeyCount>"),
        "{last}"
    );
    let (_, none) = get(&store, "/bucket?list-type=2&max-keys=0").await;
    assert!(none.contains("<KeyCount>0</KeyCount>"), "{none}");
    assert!(none.contains("<IsTruncated>false</IsTruncated>"), "{none}");
}

#[tokio::test]
async fn buckets_are_the_visible_folders() {
    let store = Store::with(&[]).await;
    fs::create_dir(store.folder.path().join(".lakeglass")).unwrap();
    fs::create_dir(store.folder.path().join("another")).unwrap();
    let (status, body) = get(&store, "/").await;
    assert_eq!(status, 200);
    assert!(
        body.contains("<Name>another</Name>") && body.contains("<Name>bucket</Name>"),
        "{body}"
    );
    assert!(!body.contains("lakeglass"), "{body}");
    let head = |path: &str| Client::new().head(format!("{}{path}", store.url)).send();
    assert_eq!(head("/bucket").await.unwrap().status(), 200);
    assert_eq!(head("/.lakeglass").await.unwrap().status(), 404);
    let (status, body) = get(&store, "/bucket?location").await;
    assert_eq!(status, 200);
    assert!(body.contains("<LocationConstraint"), "{body}");
}
