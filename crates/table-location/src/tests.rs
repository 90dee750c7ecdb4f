use proptest::prelude::*;
use url::Url;

use super::*;

fn parse(text: &str) -> TableLocation {
    TableLocation::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn spellings_of_one_place_are_equal() {
    let table = TableLocation::s3("raw", "a/b");
    for text in [
        "s3://raw/a/b",
        "s3a://raw/a/b/",
        "S3N://raw/a/b",
        "s3a://raw/%61/b",
    ] {
        assert_eq!(parse(text), table, "{text}");
    }
    assert_eq!(table.to_string(), "s3a://raw/a/b");
    let file = parse("/data/t");
    for text in ["file:///data/t", "file:/data/t/"] {
        assert_eq!(parse(text), file, "{text}");
    }
    assert_eq!(file.to_string(), "file:///data/t");
}

#[test]
fn root_of_a_store_has_no_slash_behind_its_authority() {
    for (text, root) in [
        ("s3://raw/", "s3a://raw"),
        ("s3a://raw", "s3a://raw"),
        ("https://host:8080/", "https://host:8080"),
        ("file:///", "file:///"),
    ] {
        let location = parse(text);
        assert_eq!(location.to_string(), root);
        assert_eq!((location.path(), &location.store()), ("", &location));
    }
    assert_eq!(parse("s3a://raw/a/b").store().to_string(), "s3a://raw");
}

#[test]
fn odd_keys_are_printed_with_the_escapes_that_they_need() {
    for (path, s3) in [
        ("a b", "s3a://b/a b"),
        ("a%20b", "s3a://b/a%2520b"),
        ("a+b", "s3a://b/a+b"),
        ("p=12:30/é😀", "s3a://b/p=12:30/é😀"),
        ("what?#1", "s3a://b/what%3F%231"),
        ("tab\t\u{85}", "s3a://b/tab%09%C2%85"),
        ("end ", "s3a://b/end%20"),
    ] {
        assert_eq!(TableLocation::s3("b", path).to_string(), s3);
    }
    let web = parse("https://host/a%20b/%C3%A9");
    assert_eq!(web.path(), "a b/é");
    assert_eq!(web.to_string(), "https://host/a%20b/%C3%A9");
}

#[test]
fn texts_that_are_no_address_say_why() {
    for (text, why) in [
        ("a/b", ParseError::Relative),
        ("p=12:30/x", ParseError::Relative),
        ("12:/x", ParseError::Relative),
        ("", ParseError::Relative),
        ("s3a:///a", ParseError::NoBucket),
        ("s3:/a", ParseError::NoBucket),
        ("https://host/t?key=1", ParseError::Query),
        ("s3a://b#1", ParseError::Query),
        ("s3a://b//a", ParseError::EmptySegment),
        ("s3a://b/a//c", ParseError::EmptySegment),
        ("s3a://b/a/../c", ParseError::DotSegment),
        ("s3a://b/a%2F..%2Fc", ParseError::DotSegment),
        ("s3a://b/%ff", ParseError::NotUtf8),
    ] {
        assert_eq!(TableLocation::parse(text), Err(why), "{text}");
    }
}

#[test]
fn decoded_address_is_literal() {
    for path in ["a%20b", "what?#1", "a b"] {
        let decoded = TableLocation::parse_decoded(&format!("s3://b/{path}/"));
        assert_eq!(decoded, Ok(TableLocation::s3("b", path)));
    }
    let outside = TableLocation::parse_decoded("s3://b/a/../c");
    assert_eq!(outside, Err(ParseError::DotSegment));
}

#[test]
fn stores_are_told_apart_by_kind_and_authority() {
    let table = parse("s3a://raw/t");
    assert!(table.is_in_same_store(&parse("s3://RAW/other")));
    for other in [
        "s3a://curated/t",
        "abfss://raw/t",
        "https://raw/t",
        "/raw/t",
    ] {
        assert!(!table.is_in_same_store(&parse(other)), "{other}");
    }
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![
        4 => Just(Scheme::S3),
        1 => Just(Scheme::Http),
        1 => Just(Scheme::Https),
        1 => Just(Scheme::File),
        1 => Just(Scheme::Other("abfss".to_owned())),
    ]
}

/// A path of parts with the characters that addresses are sensitive to.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[ a%+?#:é😀\\\\\"<>|`^{}\\[\\]&=@~'\t\n\u{85}.]{1,8}",
        "\\PC{1,6}"
    ];
    let part = part.prop_filter("a part of a path", |part: &String| {
        !part.contains('/') && part != "." && part != ".."
    });
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(scheme in scheme(), path in path()) {
        let authority = if scheme == Scheme::File { "" } else { "some-bucket" };
        let location = TableLocation { scheme, authority: authority.to_owned(), path };
        let text = location.to_string();
        prop_assert_eq!(&TableLocation::parse(&text).unwrap(), &location, "{}", text);
        // A parser of URLs, which stands between some of our callers, changes nothing either.
        let url = Url::parse(&text).unwrap();
        prop_assert_eq!(&TableLocation::parse(url.as_str()).unwrap(), &location, "{}", url);
    }
}
