//! JSON text, kept exactly as it was accepted.
//!
//! An event's `data` and `metadata` are promised back byte for byte, but for white space between
//! tokens: the order of keys, the escapes as they were written and the text of every number
//! (`1.10`, `1E2`, 2^64) survive. A tree of values would lose all three, so the server holds the
//! text itself, and looks into it where it must without ever building a tree.

mod error;
mod number;
mod scanner;
mod string;
mod walk;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

pub use error::{JsonTextError, JsonTextProblem};

use scanner::Scanner;
pub(crate) use string::{decode, same_characters};
pub(crate) use walk::Walk;

/// The bounds that [`JsonText::parse`] holds a document to.
///
/// There is no bound on length here: how large an event may be is judged when the event is
/// appended, after its id has been looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// The greatest number of objects and arrays inside one another; a document of this depth is
    /// accepted, one level more is refused. 64 by default.
    pub max_depth: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { max_depth: 64 }
    }
}

/// A valid JSON document as compact text: what the sender wrote, less the white space between
/// tokens.
///
/// It dereferences to `str` and a clone shares the text. `Debug` shows the kind and the length
/// only, so that a payload never ends up in a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JsonText {
    text: Arc<str>,
}

/// What a JSON value is, as its first character tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// An integer, a fraction or a number with an exponent.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// One member of an object, read as an optional string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// The object has no such key, or the document is not an object.
    Absent,
    /// The key is there with the value `null`.
    Null,
    /// A string, its escapes decoded.
    Text(Cow<'a, str>),
    /// Any other value, which is not a string.
    Other(JsonKind),
}

impl JsonText {
    /// Checks a document against RFC 8259 and the rules below, and makes its compact text, both
    /// in one pass.
    ///
    /// Refused besides what RFC 8259 refuses: NUL in a string or key (raw or as `\u0000`), a
    /// surrogate escape without its partner, the same key twice in one object (compared after
    /// decoding escapes), a number that is not finite in binary64, and more than
    /// `limits.max_depth` levels. The error names the place inside the document and the offset in
    /// bytes.
    pub fn parse(raw: &str, limits: &JsonLimits) -> Result<Self, JsonTextError> {
        Scanner::new(raw, limits).scan().map(|text| Self { text })
    }

    /// Like [`JsonText::parse`], for bytes that may not be UTF-8.
    pub fn parse_bytes(raw: &[u8], limits: &JsonLimits) -> Result<Self, JsonTextError> {
        match std::str::from_utf8(raw) {
            Ok(text) => Self::parse(text, limits),
            Err(error) => Err(scanner::not_utf8(raw, error.valid_up_to(), limits)),
        }
    }

    /// Takes compact text that this type produced before, such as a stored column, without
    /// checking it again.
    ///
    /// On text that is damaged nothing here panics, but what is found in it means nothing: the
    /// reader who must know decodes it, or verifies its hash.
    #[must_use]
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into() }
    }

    /// The document `{}`: what absent metadata stands for.
    #[must_use]
    pub fn empty_object() -> Self {
        Self::from_stored("{}")
    }

    /// The compact text, shared rather than copied.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The compact text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the document is at its top level.
    #[must_use]
    pub fn kind(&self) -> JsonKind {
        JsonKind::of(&self.text)
    }

    /// The texts of the named members of an object, in the order of `keys`, in one pass that
    /// stops as soon as all are found. Values are compact JSON text; a member that is absent, and
    /// every member of a document that is not an object, is `None`.
    #[must_use]
    pub fn top_level<const N: usize>(&self, keys: [&str; N]) -> [Option<&str>; N] {
        let mut found = [None; N];
        let mut missing = N;
        let mut walk = Walk::new(&self.text);
        if !walk.eat(b'{') {
            return found;
        }
        while missing > 0 {
            let Some((key, value)) = walk.next_member() else {
                break;
            };
            let wanted = keys.iter().position(|wanted| same_characters(key, wanted));
            if let Some(slot) = wanted.and_then(|index| found.get_mut(index)) {
                *slot = Some(value);
                missing -= 1;
            }
        }
        found
    }

    /// The named members of an object, each read as an optional string; see
    /// [`JsonText::top_level`].
    #[must_use]
    pub fn members<const N: usize>(&self, keys: [&str; N]) -> [Member<'_>; N] {
        self.top_level(keys).map(Member::of)
    }

    /// One member of an object, read as an optional string.
    #[must_use]
    pub fn member_str(&self, key: &str) -> Member<'_> {
        let [member] = self.members([key]);
        member
    }
}

impl JsonKind {
    /// The kind of a valid JSON value without leading white space.
    fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Null => "null",
        })
    }
}

impl<'a> Member<'a> {
    /// Reads the raw text of a member, as [`JsonText::top_level`] gives it.
    fn of(raw: Option<&'a str>) -> Self {
        let Some(raw) = raw else { return Self::Absent };
        match JsonKind::of(raw) {
            JsonKind::Null => Self::Null,
            JsonKind::String => Self::Text(decode(string::unquoted(raw))),
            other => Self::Other(other),
        }
    }
}

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for JsonText {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "JsonText({}, {} bytes)", self.kind(), self.text.len())
    }
}
