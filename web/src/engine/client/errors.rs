//! Errors of runs and questions whose engine is gone.

use messages::Error;

pub(super) fn unavailable(message: &str) -> Error {
    Error::new(
        "ENGINE_UNAVAILABLE",
        format!("The query engine could not be loaded: {message}"),
    )
    .with_hint("Check that the page's server is reachable, then run the statement again.")
}

pub(super) fn crash_error(message: &str) -> Error {
    let of_memory = message.to_ascii_lowercase().contains("memory");
    let (what, hint) = if of_memory {
        (
            "The engine ran out of memory and was restarted.".to_owned(),
            "Ask for fewer columns or rows, filter earlier, or aggregate less at once.",
        )
    } else {
        (
            format!("The engine stopped unexpectedly and was restarted: {message}"),
            "The page works on. If this statement stops the engine again, please report it.",
        )
    };
    Error::new(
        if of_memory {
            "ENGINE_OUT_OF_MEMORY"
        } else {
            "ENGINE_CRASHED"
        },
        what,
    )
    .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crash_for_want_of_memory_is_told_from_others() {
        let error = crash_error("the engine ran out of memory (it held 3.9 GiB)");
        assert_eq!(error.code, "ENGINE_OUT_OF_MEMORY");
        let error = crash_error("the engine stopped: unreachable");
        assert_eq!(error.code, "ENGINE_CRASHED");
        assert!(error.message.contains("restarted"));
    }
}
