use std::fmt;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// Names under which a service may be addressed, and origins whose pages may use it.
///
/// Loopback's names are always ours, and so are pages of the service's own address.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    /// Names besides `localhost`, `127.0.0.1` and `[::1]`, without port. Requests for other hosts
    /// are refused, so that a foreign name which resolves to this machine (DNS rebinding) gains
    /// nothing.
    pub hosts: Vec<String>,
    /// Origins besides the service's own: `http://localhost:8080`.
    pub origins: Vec<String>,
}

/// Why a request is not from a caller of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOurs {
    /// It is for another host: status 421.
    Host(String),
    /// It is from a page of another origin: status 403.
    Origin(String),
}

impl Callers {
    /// Checks `Host` and `Origin`. A program that is no browser sends no `Origin`, and passes.
    ///
    /// # Errors
    /// [`NotOurs`], also where a header is there twice or is not text.
    pub fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), NotOurs> {
        let host = match single(headers, header::HOST) {
            Some(host) => host.ok_or_else(|| NotOurs::Host(String::new()))?,
            // HTTP/2 has the host in the URI.
            None => uri.authority().map_or("", |authority| authority.as_str()),
        };
        if !self.is_our_host(host) {
            return Err(NotOurs::Host(host.to_owned()));
        }
        let Some(origin) = single(headers, header::ORIGIN) else {
            return Ok(());
        };
        let origin = origin.ok_or_else(|| NotOurs::Origin(String::new()))?;
        let is_same = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|of| of == host);
        match is_same || self.is_allowed_origin(origin) {
            true => Ok(()),
            false => Err(NotOurs::Origin(origin.to_owned())),
        }
    }

    /// Whether a page of this origin may read the answers, for a CORS layer. Its own pages need none.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        origin
            .to_str()
            .is_ok_and(|origin| self.is_allowed_origin(origin))
    }

    fn is_allowed_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == origin)
    }

    fn is_our_host(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            // Not the last group of an IPv6 address, which stands in brackets.
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let own = ["localhost", "127.0.0.1", "[::1]"].into_iter();
        own.chain(self.hosts.iter().map(String::as_str))
            .any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// `None` where there is no such header; `Some(None)` where it is not one text.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<Option<&str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let is_only = values.next().is_none();
    Some(first.to_str().ok().filter(|_| is_only))
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "This service is not known under the name '{host}'."),
            Self::Origin(origin) => write!(f, "Pages of {origin} may not use this service."),
        }
    }
}

impl std::error::Error for NotOurs {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> Result<(), NotOurs> {
        let callers = Callers {
            hosts: vec!["lake.example".to_owned()],
            origins: vec!["http://localhost:8080".to_owned()],
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        callers.check(&headers, &Uri::from_static("/"))
    }

    #[test]
    fn own_names_and_pages_pass_others_do_not() {
        for (host, origin) in [
            ("127.0.0.1:4600", None),
            ("LOCALHOST", Some("http://localhost:8080")),
            ("[::1]:4600", Some("http://[::1]:4600")),
            ("lake.example", Some("https://lake.example")),
        ] {
            assert_eq!(check(host, origin), Ok(()), "{host} {origin:?}");
        }
        for host in ["evil.example", "", "localhost.evil.example:80", "[::1"] {
            assert!(matches!(check(host, None), Err(NotOurs::Host(_))), "{host}");
        }
        for origin in [
            "null",
            "http://evil.example",
            "http://localhost:4600",
            "localhost:8080",
        ] {
            let refused = check("127.0.0.1:4600", Some(origin));
            assert!(matches!(refused, Err(NotOurs::Origin(_))), "{origin}");
        }
    }

    #[test]
    fn header_that_is_there_twice_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        let refused = Callers::default().check(&headers, &Uri::from_static("/"));
        assert!(matches!(refused, Err(NotOurs::Host(_))));
    }
}
