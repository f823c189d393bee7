//! Which of the two media types of GraphQL a client wants, and whether a body is JSON.

use std::cmp::Ordering;

use axum::http::{HeaderMap, HeaderValue, header};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status tells whether the operation ran.
    GraphqlResponse,
    /// `application/json`: anything that is a GraphQL answer has status 200.
    Json,
}

impl MediaType {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    fn subtype(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "graphql-response+json",
            Self::Json => "json",
        }
    }
}

/// How well a client's range fits a media type: its weight first, then how exactly it names it.
type Fit = (u16, Exactness);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Anything,
    Application,
    Exact,
}

/// What the `Accept` headers ask for. Without one, or where both are as welcome and neither is
/// named, JSON; `None` if both are refused.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<MediaType> {
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT) {
        let Ok(text) = value.to_str() else { continue };
        ranges.extend(text.split(',').filter_map(Range::parse));
    }
    if ranges.is_empty() {
        return Some(MediaType::Json);
    }
    let graphql = fit(&ranges, MediaType::GraphqlResponse);
    let json = fit(&ranges, MediaType::Json);
    let named = graphql.is_some_and(|(_, exactness)| exactness == Exactness::Exact);
    // `None` is less than any fit.
    match graphql.cmp(&json) {
        Ordering::Greater => Some(MediaType::GraphqlResponse),
        Ordering::Equal if named => Some(MediaType::GraphqlResponse),
        Ordering::Equal | Ordering::Less => json.map(|_| MediaType::Json),
    }
}

/// The fit of the range that names the type most exactly: `*/*;q=1, application/json;q=0` refuses
/// JSON.
fn fit(ranges: &[Range<'_>], media_type: MediaType) -> Option<Fit> {
    let fitting = ranges.iter().filter_map(|range| {
        let exactness = range.exactness(media_type)?;
        Some((exactness, range.weight))
    });
    let (exactness, weight) = fitting.max()?;
    (weight > 0).then_some((weight, exactness))
}

struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("q")
                .then(|| thousandths(value.trim()))
        });
        Some(Self {
            main,
            sub,
            weight: weight.unwrap_or(1_000),
        })
    }

    fn exactness(&self, media_type: MediaType) -> Option<Exactness> {
        match (self.main, self.sub) {
            ("*", "*") => Some(Exactness::Anything),
            (main, _) if !main.eq_ignore_ascii_case("application") => None,
            (_, "*") => Some(Exactness::Application),
            (_, sub) => sub
                .eq_ignore_ascii_case(media_type.subtype())
                .then_some(Exactness::Exact),
        }
    }
}

/// A weight in thousandths; one that cannot be read counts as 1.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if whole != "0" || fraction.len() > 3 {
        return 1_000;
    }
    format!("{fraction:0<3}").parse().unwrap_or(1_000)
}

/// Whether a request's body claims to be JSON in UTF-8, the encoding of all JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some(content_type) = content_type else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|part| match part.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = value.trim().trim_matches('"');
                charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(value));
        negotiate(&headers)
    }

    #[test]
    fn the_most_welcome_type_is_chosen() {
        let graphql = Some(MediaType::GraphqlResponse);
        let json = Some(MediaType::Json);
        assert_eq!(negotiate(&HeaderMap::new()), json);
        for value in [
            "*/*",
            "application/*",
            "application/json",
            "text/html, */*;q=0.8",
            "",
        ] {
            assert_eq!(accept(value), json, "{value}");
        }
        for value in [
            "application/graphql-response+json",
            "Application/GraphQL-Response+JSON; charset=utf-8",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json, application/graphql-response+json",
            "application/json;q=0.5, */*;q=0.8, application/graphql-response+json;q=0.501",
            "application/graphql-response+json;q=1.000, */*",
            "*/*, application/json;q=0",
        ] {
            assert_eq!(accept(value), graphql, "{value}");
        }
        assert_eq!(
            accept("application/json, application/graphql-response+json;q=0.9"),
            json
        );
        for value in [
            "text/html",
            "application/xml",
            "*/*;q=0",
            "application/json;q=0.0",
        ] {
            assert_eq!(accept(value), None, "{value}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_a_body() {
        let is = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            is_json(&headers)
        };
        assert!(is("application/json") && is("Application/JSON; Charset=\"UTF-8\""));
        assert!(!is("text/plain") && !is("application/json; charset=iso-8859-1"));
        assert!(!is("application/x-www-form-urlencoded") && !is("multipart/form-data"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
