//! The parameters of a request as HTTP brings them: `query`, `operationName`, `variables`,
//! `extensions`, checked for their shape and not read further.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::api::AnswerKind;
use super::fault::{Fault, code};

/// The parameters of one request, not yet read.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// The body of a POST: one JSON object.
    Json(Bytes),
    /// The parameters of a GET, percent-decoded; `variables` and `extensions` are JSON texts.
    Split {
        /// The document.
        query: Option<String>,
        /// Which of the document's operations to run.
        operation_name: Option<String>,
        /// A JSON object.
        variables: Option<String>,
        /// A JSON object; accepted and not used.
        extensions: Option<String>,
    },
}

/// Well-formed parameters. An operation name without characters counts as none.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    /// The text of a JSON object.
    pub(super) variables: Option<&'a str>,
}

/// A request that is no GraphQL request, and what kind of answer says so.
pub(super) type Malformed = (AnswerKind, Fault);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    operation_name: Option<&'a RawValue>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

impl Parameters {
    pub(super) fn read(&self) -> Result<Read<'_>, Malformed> {
        match self {
            Self::Json(body) => read_json(body),
            Self::Split {
                query,
                operation_name,
                variables,
                extensions,
            } => {
                let variables = variables.as_deref().filter(|text| !text.is_empty());
                let extensions = extensions.as_deref().filter(|text| !text.is_empty());
                object("extensions", extensions.map(read_text).transpose()?)?;
                Ok(Read {
                    query: query.clone().ok_or_else(missing_query)?,
                    operation_name: operation_name.clone().filter(|name| !name.is_empty()),
                    variables: object("variables", variables.map(read_text).transpose()?)?,
                })
            }
        }
    }
}

fn read_json(body: &[u8]) -> Result<Read<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| bad_json("it is not UTF-8"))?;
    if text.trim_start().starts_with('[') {
        return Err(malformed(
            "Batches are not supported: send each operation by itself.",
        ));
    }
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| {
        if error.classify() == Category::Data {
            malformed(format!("The body is not a GraphQL request: {error}."))
        } else {
            bad_json(&error.to_string())
        }
    })?;
    object("extensions", members.extensions)?;
    Ok(Read {
        query: members
            .query
            .map(|raw| string("query", raw))
            .transpose()?
            .ok_or_else(missing_query)?,
        operation_name: members
            .operation_name
            .map(|raw| string("operationName", raw))
            .transpose()?
            .filter(|name| !name.is_empty()),
        variables: object("variables", members.variables)?,
    })
}

fn read_text(text: &str) -> Result<&RawValue, Malformed> {
    serde_json::from_str(text).map_err(|error| bad_json(&error.to_string()))
}

fn object<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<Option<&'a str>, Malformed> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('{') => Ok(Some(text)),
        Some(_) => Err(malformed(format!("\"{name}\" must be an object or null."))),
    }
}

fn string(name: &str, raw: &RawValue) -> Result<String, Malformed> {
    serde_json::from_str(raw.get()).map_err(|_| {
        malformed(format!(
            "\"{name}\" must be a string of Unicode characters."
        ))
    })
}

fn missing_query() -> Malformed {
    malformed("\"query\" is missing: it carries the GraphQL document.")
}

fn malformed(message: impl Into<String>) -> Malformed {
    (
        AnswerKind::Malformed,
        Fault::new(code::INVALID_ARGUMENT, message),
    )
}

fn bad_json(why: &str) -> Malformed {
    let message = format!("The request is not JSON: {why}.");
    (
        AnswerKind::BadJson,
        Fault::new(code::GRAPHQL_PARSE_FAILED, message),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<(String, Option<String>, Option<String>), AnswerKind> {
        let parameters = Parameters::Json(Bytes::from_static(body.as_bytes()));
        let read = parameters.read().map_err(|(kind, _)| kind)?;
        Ok((
            read.query,
            read.operation_name,
            read.variables.map(str::to_owned),
        ))
    }

    #[test]
    fn well_formed_requests_keep_the_text_of_their_variables() {
        let body = r#"{"query":"{a}","operationName":null,"variables":{"x": 1.10},"id":1}"#;
        let expected = ("{a}".to_owned(), None, Some(r#"{"x": 1.10}"#.to_owned()));
        assert_eq!(read(body), Ok(expected));
        let nulls = r#"{"query":"{a}","operationName":"","variables":null,"extensions":{}}"#;
        assert_eq!(read(nulls), Ok(("{a}".to_owned(), None, None)));
    }

    #[test]
    fn text_that_is_not_json_is_told_apart_from_json_that_is_no_request() {
        for bad in ["", "{", "{\"query\":\"{a}\",}", "query"] {
            assert_eq!(read(bad), Err(AnswerKind::BadJson), "{bad}");
        }
        let malformed = [
            "{}",
            "[]",
            " [{\"query\":\"{a}\"}]",
            "1",
            "null",
            r#"{"query":null}"#,
            r#"{"query":1}"#,
            r#"{"query":"\ud800"}"#,
            r#"{"query":"{a}","query":"{b}"}"#,
            r#"{"query":"{a}","operationName":1}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","extensions":1}"#,
        ];
        for body in malformed {
            assert_eq!(read(body), Err(AnswerKind::Malformed), "{body}");
        }
        let bytes = Parameters::Json(Bytes::from_static(b"{\"query\":\"\xff\"}"));
        assert_eq!(bytes.read().unwrap_err().0, AnswerKind::BadJson);
    }

    #[test]
    fn split_parameters_carry_json_in_variables_and_extensions() {
        let split = |variables: &str| Parameters::Split {
            query: Some("{a}".to_owned()),
            operation_name: Some(String::new()),
            variables: Some(variables.to_owned()),
            extensions: None,
        };
        assert_eq!(
            split(" {\"x\":1e2}").read().unwrap().variables,
            Some("{\"x\":1e2}")
        );
        assert_eq!(split("").read().unwrap().variables, None);
        assert_eq!(split("{").read().unwrap_err().0, AnswerKind::BadJson);
        assert_eq!(split("[]").read().unwrap_err().0, AnswerKind::Malformed);
    }
}
