//! A commit over HTTP, for the clients of the commit proxy: the parts of the request, and the
//! meaning of an answer or of none.
//!
//! A commit is sent once. Where its answer is lost, nobody knows whether the write was made, and a
//! second try could make it twice: [`outcome_unknown`] says so. [`unreachable()`] says that nothing
//! was sent.

use crate::Error;
use crate::commit::CommitOutcome;

/// A part of the request, which is `multipart/form-data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Name in the part's `content-disposition`.
    pub name: &'static str,
    /// Its `content-type`.
    pub media_type: &'static str,
}

/// A [`crate::commit::CommitRequest`] as JSON.
pub const REQUEST: Part = Part {
    name: "request",
    media_type: "application/json",
};

/// Rows as an Arrow IPC stream; only where [`crate::commit::OperationFacts::takes_rows`].
pub const SOURCE: Part = Part {
    name: "source",
    media_type: "application/vnd.apache.arrow.stream",
};

/// Code of the error that says that it is not known whether a commit was made.
pub const COMMIT_OUTCOME_UNKNOWN: &str = "COMMIT_OUTCOME_UNKNOWN";

/// Code of the error that says that no proxy was there to send a commit to.
pub const COMMIT_PROXY_UNREACHABLE: &str = "COMMIT_PROXY_UNREACHABLE";

/// Hint of every error after which a write may or may not have been made.
pub const LOOK_AT_HISTORY: &str = "Before you run the statement again, look at the table's history (DESCRIBE HISTORY): if its newest version is this write, it was made.";

/// Reads the answer of a commit proxy.
///
/// `proxy` is its origin, for messages.
///
/// # Errors
/// The proxy's own refusal; `COMMIT_FAILED` where something else than a commit proxy refused
/// (status 4xx), so that nothing was written; `COMMIT_OUTCOME_UNKNOWN` for anything else that cannot
/// be read, such as an answer that is cut short, or a gateway that gave up waiting for the proxy.
pub fn read_answer(proxy: &str, status: u16, body: &[u8]) -> Result<CommitOutcome, Error> {
    let why = match status {
        200..=299 => match serde_json::from_slice(body) {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        },
        _ => match serde_json::from_slice::<Error>(body) {
            Ok(refusal) => return Err(refusal),
            Err(error) => error,
        },
    };
    let why = format!("it answered {status}, but not as a commit proxy does: {why}");
    // Request Timeout: the request may have been passed on before.
    if (400..=499).contains(&status) && status != 408 {
        let message = format!("Cannot commit through {proxy}: {why}. Nothing was written.");
        return Err(Error::new("COMMIT_FAILED", message)
            .with_hint("Is this the address of `lakeglass serve`?"));
    }
    Err(outcome_unknown(proxy, &why))
}

/// The error for a commit that was sent and whose answer is lost or cannot be read.
///
/// `proxy` is its origin; `why` a clause without a full stop.
pub fn outcome_unknown(proxy: &str, why: &str) -> Error {
    let message = format!(
        "The commit was sent to {proxy}, and its answer is lost: {why}. It is not known whether the write was made."
    );
    Error::new(COMMIT_OUTCOME_UNKNOWN, message).with_hint(LOOK_AT_HISTORY)
}

/// The error for a commit that could not be sent.
///
/// `proxy` is its origin; `why` a clause without a full stop.
pub fn unreachable(proxy: &str, why: &str) -> Error {
    let message = format!("Cannot reach the commit proxy at {proxy}: {why}. Nothing was written.");
    Error::new(COMMIT_PROXY_UNREACHABLE, message).with_hint(
        "Start it with `lakeglass serve`, then run the statement again. Reading works without it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "http://127.0.0.1:4600";

    fn code(status: u16, body: &str) -> String {
        read_answer(PROXY, status, body.as_bytes())
            .unwrap_err()
            .code
    }

    #[test]
    fn outcome_and_refusal_are_passed_on() {
        let body = br#"{"version":3,"operation":"WRITE","result":[],"metrics":{}}"#;
        assert_eq!(read_answer(PROXY, 200, body).unwrap().version, Some(3));
        assert_eq!(
            code(409, r#"{"code":"CONFLICT","message":"m"}"#),
            "CONFLICT"
        );
        assert_eq!(
            code(500, r#"{"code":"INTERNAL_ERROR","message":"m"}"#),
            "INTERNAL_ERROR"
        );
    }

    #[test]
    fn answer_that_can_not_be_read_leaves_the_outcome_unknown() {
        for (status, body) in [
            (200, r#"{"version":3,"opera"#),
            (200, ""),
            (204, ""),
            (302, ""),
            (408, ""),
            (502, "<html>Bad Gateway</html>"),
            (504, ""),
        ] {
            let error = read_answer(PROXY, status, body.as_bytes()).unwrap_err();
            assert_eq!(error.code, COMMIT_OUTCOME_UNKNOWN, "{status} {body}");
            assert!(error.hint.unwrap().contains("DESCRIBE HISTORY"));
            assert!(error.message.contains(PROXY) && error.message.contains(&status.to_string()));
        }
    }

    #[test]
    fn refusal_of_another_server_wrote_nothing() {
        assert_eq!(code(404, "not found"), "COMMIT_FAILED");
        assert_eq!(code(413, ""), "COMMIT_FAILED");
    }
}
