//! A connection as the address line or the form gives it.

use messages::Error;
use messages::connection::{Connection, Credentials};

/// Region for S3-compatible servers that have none of their own.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Fields of the connection form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    pub endpoint: String,
    pub region: String,
    /// Separated by commas or spaces.
    pub buckets: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Form {
    /// Starts from a connection; its keys are not shown again.
    pub fn of(connection: &Connection) -> Self {
        Self {
            endpoint: connection.endpoint.clone(),
            region: connection.region.clone(),
            buckets: connection.buckets.join(", "),
            ..Self::default()
        }
    }

    /// The connection, or what is missing.
    pub fn connection(&self) -> Result<Connection, Error> {
        let missing = |message: &str, hint: &str| {
            Err(Error::new("CONNECTION_INCOMPLETE", message).with_hint(hint))
        };
        let endpoint = self.endpoint.trim().trim_end_matches('/');
        let rest = endpoint
            .strip_prefix("http://")
            .or_else(|| endpoint.strip_prefix("https://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['?', '#', ' ', '@'])) {
            return missing(
                "The endpoint is not an address.",
                "Write scheme, host and port: http://127.0.0.1:9000.",
            );
        }
        let credentials = match (self.access_key.trim(), self.secret_key.trim()) {
            ("", "") => None,
            ("", _) => return missing("The access key is missing.", "Fill both keys, or none."),
            (_, "") => return missing("The secret key is missing.", "Fill both keys, or none."),
            (access_key, secret_key) => Some(Credentials {
                access_key: access_key.to_owned(),
                secret_key: secret_key.to_owned(),
                session_token: None,
            }),
        };
        let region = self.region.trim();
        Ok(Connection {
            endpoint: endpoint.to_owned(),
            region: if region.is_empty() {
                DEFAULT_REGION
            } else {
                region
            }
            .to_owned(),
            buckets: words(&self.buckets),
            credentials,
        })
    }
}

/// The connection that `?endpoint=…&bucket=…&region=…` asks for; keys are not taken from there.
pub fn from_query(pairs: &[(String, String)]) -> Option<Form> {
    let all = |name: &str| {
        let values = pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(",")
    };
    let form = Form {
        endpoint: all("endpoint"),
        region: all("region"),
        buckets: all("bucket"),
        ..Form::default()
    };
    (!form.endpoint.is_empty()).then_some(form)
}

/// `127.0.0.1:9000` of `http://127.0.0.1:9000`.
pub fn host(endpoint: &str) -> &str {
    endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest)
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text
        .split([',', ' ', '\n', '\t'])
        .filter(|word| !word.is_empty())
    {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(endpoint: &str) -> Form {
        Form {
            endpoint: endpoint.to_owned(),
            ..Form::default()
        }
    }

    #[test]
    fn form_without_keys_reads_anonymously() {
        let mut form = form(" http://127.0.0.1:9000/ ");
        form.buckets = "a, b  a".to_owned();
        let connection = form.connection().unwrap();
        assert_eq!(connection.endpoint, "http://127.0.0.1:9000");
        assert_eq!(connection.region, DEFAULT_REGION);
        assert_eq!(connection.buckets, ["a", "b"]);
        assert_eq!(connection.credentials, None);
    }

    #[test]
    fn incomplete_form_says_what_is_missing() {
        assert!(
            form("127.0.0.1:9000")
                .connection()
                .unwrap_err()
                .hint
                .unwrap()
                .contains("http://")
        );
        assert!(form("https://").connection().is_err());
        let half = Form {
            access_key: "k".to_owned(),
            ..form("http://h")
        };
        assert!(half.connection().unwrap_err().message.contains("secret"));
    }

    #[test]
    fn address_line_gives_endpoint_and_buckets_but_never_keys() {
        let pairs: Vec<(String, String)> = [
            ("endpoint", "http://h:1"),
            ("bucket", "a"),
            ("bucket", "b"),
            ("secret_key", "s"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        let form = from_query(&pairs).unwrap();
        assert_eq!(form.buckets, "a,b");
        assert_eq!(form.connection().unwrap().credentials, None);
        assert_eq!(from_query(&[]), None);
    }
}
