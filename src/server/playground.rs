//! GraphiQL, served from the binary: it works without a network and asks no other server.
//!
//! The assets are compiled in by the build script, if they were fetched before the build. If not,
//! the page says how to get them.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::http;
use super::refusal::Refusal;

use assets::ASSETS;

mod assets {
    include!(concat!(env!("OUT_DIR"), "/playground_assets.rs"));
}

/// Our own files: name, content, content type.
const OWN_ASSETS: [(&str, &str, &str); 1] = [(
    "playground.js",
    include_str!("playground.js"),
    "text/javascript; charset=utf-8",
)];

const PAGE: &str = include_str!("playground.html");
const PAGE_WITHOUT_ASSETS: &str = include_str!("playground_missing.html");

/// Scripts only from here: what a query answers is shown on this page and must never run.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    worker-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'";

/// `GET /playground`.
pub(super) async fn page(headers: HeaderMap) -> Response {
    let page = if ASSETS.is_empty() {
        PAGE_WITHOUT_ASSETS.replace("{host}", host(&headers))
    } else {
        PAGE.to_owned()
    };
    (
        [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)],
        Html(page),
    )
        .into_response()
}

/// The address that the reader used, for an example that works when pasted; it goes into HTML, so
/// only what an address consists of.
fn host(headers: &HeaderMap) -> &str {
    let is_address = |text: &&str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.filter(is_address).unwrap_or("localhost")
}

/// `GET /playground/<asset>`.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let own = OWN_ASSETS
        .iter()
        .map(|&(name, text, kind)| (name, text.as_bytes(), kind));
    let found = own
        .chain(ASSETS.iter().copied())
        .find(|(asset, _, _)| *asset == name);
    let Some((_, content, content_type)) = found else {
        let message = format!("The playground has no file named {name}.");
        return http::refuse(&headers, Refusal::invalid(StatusCode::NOT_FOUND, message));
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for page in [PAGE, PAGE_WITHOUT_ASSETS] {
            for attribute in ["src=\"", "href=\""] {
                for (at, _) in page.match_indices(attribute) {
                    let target = &page[at + attribute.len()..];
                    assert!(
                        target.starts_with('/') && !target.starts_with("//"),
                        "{target:.40}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_assets_the_page_says_how_to_get_them() {
        assert!(PAGE_WITHOUT_ASSETS.contains("scripts/fetch-playground"));
        assert!(PAGE_WITHOUT_ASSETS.contains("curl http://{host}/graphql"));
    }

    #[test]
    fn a_host_that_is_no_address_does_not_reach_the_page() {
        let with = |value| HeaderMap::from_iter([(header::HOST, value)]);
        let honest = with(header::HeaderValue::from_static("[::1]:8080"));
        assert_eq!(host(&honest), "[::1]:8080");
        let hostile = with(header::HeaderValue::from_static("<script>"));
        assert_eq!(host(&hostile), "localhost");
    }
}
