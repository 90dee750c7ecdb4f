//! The secret that a writer must know.

use std::fmt;
use std::path::Path;

use messages::Error;
use subtle::ConstantTimeEq as _;

/// A secret that requests carry as `Authorization: Bearer`. Never logged.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A secret of at least 16 characters, all of them visible ASCII.
    ///
    /// # Errors
    /// `INVALID_TOKEN` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.len() < 16 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                "INVALID_TOKEN",
                "A token is at least 16 visible ASCII characters, without spaces.",
            )
            .with_hint("For instance what `openssl rand -hex 32` prints."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret in a file; white space around it does not count.
    ///
    /// # Errors
    /// `INVALID_TOKEN` where the file cannot be read, or holds no token.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Error::new(
                "INVALID_TOKEN",
                format!("Cannot read the token in {path}: {error}."),
            )
        })?;
        Self::new(&text)
    }

    /// Whether the value of an `Authorization` header is this token's. Takes the same time for
    /// every wrong one of the same length.
    pub(crate) fn is_in(&self, authorization: &[u8]) -> bool {
        let Some((scheme, secret)) = authorization.split_at_checked(7) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"bearer ")
            && bool::from(secret.trim_ascii().ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_counts_and_it_is_never_printed() {
        let token = Token::new(" 0123456789abcdef\n").unwrap();
        assert!(token.is_in(b"Bearer 0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeff",
            "Bearer 0123456789abcdeF",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer ",
            "",
        ] {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong}");
        }
        assert!(!format!("{token:?}").contains("0123"));
        assert!(Token::new("short").is_err());
        assert!(Token::new("0123456789 abcdef").is_err());
    }
}
