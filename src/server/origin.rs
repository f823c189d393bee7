//! Which pages may open a WebSocket. Browsers let any page connect to any server, cookies and
//! private networks included, and leave it to the server to look at the `Origin`.

use axum::http::{HeaderMap, header};

/// Whether a handshake with these headers may be accepted: it names no origin (no browser sent
/// it), or the server's own, or an allowed one.
pub(super) fn is_allowed(headers: &HeaderMap, allowed_origins: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    allowed_origins.iter().any(|allowed| same(allowed, origin)) || is_own(headers, origin)
}

fn same(allowed: &str, origin: &str) -> bool {
    allowed.trim_end_matches('/').eq_ignore_ascii_case(origin)
}

/// The scheme is left out of the comparison: behind a proxy that ends TLS, the page's is `https`
/// and ours is not.
fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin_host = origin.split_once("://").map(|(_, host)| host);
    match (host, origin_host) {
        (Some(host), Some(origin_host)) => host.eq_ignore_ascii_case(origin_host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn allowed(origin: Option<&'static str>, list: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::HOST,
            HeaderValue::from_static("events.example:8080"),
        );
        headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
        is_allowed(
            &headers,
            &list
                .iter()
                .map(|&origin| origin.to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn own_pages_listed_pages_and_programs_may_connect_and_nobody_else() {
        assert!(allowed(None, &[]));
        assert!(allowed(Some("https://Events.example:8080"), &[]));
        assert!(allowed(
            Some("https://panel.example"),
            &["https://panel.example/"]
        ));
        assert!(!allowed(Some("https://events.example"), &[]));
        assert!(!allowed(
            Some("https://evil.example"),
            &["https://panel.example"]
        ));
        assert!(!allowed(
            Some("http://panel.example"),
            &["https://panel.example"]
        ));
        assert!(!allowed(Some("null"), &[]));
    }
}
