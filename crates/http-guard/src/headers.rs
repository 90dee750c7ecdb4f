use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

/// The same routes, with security headers on every answer: no foreign page frames ours, and ours
/// runs nothing but its own scripts. An answer keeps a policy that it brings ([`page_policy`]).
pub fn secured(router: Router) -> Router {
    router.layer(map_response(|mut response: Response| async {
        let headers = response.headers_mut();
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert_with(|| page_policy(""));
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }))
}

/// The `Content-Security-Policy` for a page. Besides files of its own origin it runs the scripts that
/// stand in `html`, its source, each by its hash.
pub fn page_policy(html: &str) -> HeaderValue {
    let hashes: String = inline_scripts(html)
        .map(|script| BASE64_STANDARD.encode(Sha256::digest(script)))
        .map(|hash| format!(" 'sha256-{hash}'"))
        .collect();
    let policy = [
        "default-src 'none'",
        &format!("script-src 'self' 'wasm-unsafe-eval'{hashes}"),
        "worker-src 'self'",
        // The editor puts its rules into style elements.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        // A page reads any store that its user names.
        "connect-src 'self' http: https:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    .join("; ");
    let policy = HeaderValue::try_from(policy);
    policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// Contents of the script elements without `src`. What is no script to a browser gets a hash that
/// nothing has.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_in_the_page_run_by_their_hash() {
        let html = "<script src=\"a.js\"></script><script type=\"module\">\nlet a;\n</script><script>b</script>";
        let policy = page_policy(html);
        // printf '\nlet a;\n' | openssl dgst -sha256 -binary | base64, and of b.
        let hashes = "'sha256-mVUM17+Pgbr9k4nIeoTtZL1k7gaurHNmkpipEynFfgk=' 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='";
        let expected = format!("script-src 'self' 'wasm-unsafe-eval' {hashes}; worker-src");
        assert!(policy.to_str().unwrap().contains(&expected), "{policy:?}");
    }

    #[test]
    fn page_without_scripts_of_its_own_runs_files_alone() {
        let policy = page_policy("<script src=x></script><script>cut off");
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'; "));
        assert!(policy.ends_with("frame-ancestors 'none'"));
    }
}
