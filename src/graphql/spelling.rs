//! How the values of scalars are written, for those who have written one otherwise.
//!
//! The executor says of such a value no more than that it is none. Where a value came in a variable it is
//! looked at before, and refused with its place and its text; of a value inside the document the executor's
//! own message is completed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The end of the executor's message about an input object that is to have exactly one field.
const ONE_OF: &str = "Oneof input objects requires have exactly one field";

/// What a value of this scalar looks like; none for scalars that say so themselves.
fn of(scalar: &str) -> Option<&'static str> {
    match scalar {
        "UUID" => Some("a UUID, such as \"019aa5a2-4a5e-7c1d-9a75-6c2f3a0b1d01\""),
        "DateTime" => Some(
            "a time of RFC 3339 with its zone, such as \"2026-11-21T18:00:00Z\" or \
             \"2026-11-21T19:00:00+01:00\"",
        ),
        "Position" => Some("a whole number from 0 to 2^53−1"),
        _ => None,
    }
}

/// Refuses a text that the executor would refuse as a value of this scalar, with a better reason.
pub(super) fn check(scalar: &str, text: &str) -> Result<(), String> {
    let is_one = match scalar {
        "UUID" => Uuid::parse_str(text).is_ok(),
        "DateTime" => text.parse::<DateTime<Utc>>().is_ok(),
        _ => true,
    };
    match of(scalar) {
        Some(spelling) if !is_one => Err(format!("`{text}` is not {spelling}.")),
        _ => Ok(()),
    }
}

/// Completes a message of the executor about an input.
pub(super) fn explain(message: &mut String) {
    if let Some(beginning) = message.strip_suffix(ONE_OF) {
        *message = format!("{beginning}of whose fields exactly one must be given");
    } else if let Some((_, rest)) = message.rsplit_once("expected type \"")
        && let Some(spelling) = rest.strip_suffix('"').and_then(of)
    {
        message.push_str(": ");
        message.push_str(spelling);
    } else if let Some((scalar, _)) = failed_to_parse(message)
        && let Some(spelling) = of(scalar)
    {
        *message = format!("{message}. It must be {spelling}.");
    }
}

/// The scalar of which a value was refused, and why.
fn failed_to_parse(message: &str) -> Option<(&str, &str)> {
    message
        .strip_prefix("Failed to parse \"")?
        .split_once("\": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(message: &str) -> String {
        let mut message = message.to_owned();
        explain(&mut message);
        message
    }

    #[test]
    fn a_text_is_refused_with_itself_and_what_would_be_right() {
        assert_eq!(
            check("UUID", "x").unwrap_err(),
            "`x` is not a UUID, such as \"019aa5a2-4a5e-7c1d-9a75-6c2f3a0b1d01\"."
        );
        for wrong in ["yesterday", "2026-11-21", "2026-11-21T18:00:00", ""] {
            let message = check("DateTime", wrong).unwrap_err();
            assert!(message.contains("RFC 3339 with its zone"), "{message}");
        }
        for right in ["2026-11-21T18:00:00Z", "2026-11-21T23:30:00.5+05:30"] {
            assert_eq!(check("DateTime", right), Ok(()));
        }
        assert_eq!(check("String", "x"), Ok(()));
    }

    #[test]
    fn messages_of_the_executor_are_completed_where_they_are_known_and_kept_otherwise() {
        assert_eq!(
            explained("Invalid value for argument \"fromPosition\", expected type \"Position\""),
            "Invalid value for argument \"fromPosition\", expected type \"Position\": a whole number from \
             0 to 2^53−1"
        );
        assert_eq!(
            explained(
                "Invalid value for argument \"by\", Oneof input objects requires have exactly one field"
            ),
            "Invalid value for argument \"by\", of whose fields exactly one must be given"
        );
        assert_eq!(
            explained("Failed to parse \"UUID\": invalid length"),
            "Failed to parse \"UUID\": invalid length. It must be a UUID, such as \
             \"019aa5a2-4a5e-7c1d-9a75-6c2f3a0b1d01\"."
        );
        for kept in [
            "Unknown field \"x\" on type \"Query\".",
            "Invalid value for argument \"n\", expected type \"Int\"",
            "Failed to parse \"Date\": \"x\" is not a day: write YYYY-MM-DD.",
        ] {
            assert_eq!(explained(kept), kept);
        }
    }
}
