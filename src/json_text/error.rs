//! Why a document is refused, where, and what to do about it.

use std::fmt;

/// Why [`JsonText::parse`](super::JsonText::parse) refuses a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonTextError {
    /// What is wrong.
    pub problem: JsonTextProblem,
    /// Where in the document: `a.b[0]`, or `a["odd key"]` for a key that is not a plain word.
    /// Empty for the document as a whole. A very long key is cut short.
    pub path: String,
    /// The same place as the keys and indexes that lead to it.
    pub steps: Vec<String>,
    /// Where in the text that was given, in bytes from its start.
    pub offset: usize,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonTextProblem {
    /// There is nothing but white space.
    Empty,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// A character that cannot stand there.
    UnexpectedCharacter {
        /// The character.
        found: char,
        /// What would be right, as in "a value".
        expected: &'static str,
    },
    /// More text behind the end of the document.
    TrailingText {
        /// Its first character.
        found: char,
    },
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// A control character below U+0020 that is not written as an escape.
    ControlCharacter {
        /// The character.
        found: char,
    },
    /// A backslash that starts no escape of JSON.
    InvalidEscape,
    /// Half of a surrogate pair without the other half.
    LoneSurrogate {
        /// The code unit, from 0xD800 to 0xDFFF.
        code: u16,
    },
    /// The character U+0000, raw or as an escape.
    Nul,
    /// A number that breaks the grammar, such as `01`, `1.` or `-`.
    InvalidNumber,
    /// A number whose nearest binary64 is infinite.
    NumberNotFinite {
        /// The number as written, cut short if it is very long.
        written: String,
    },
    /// A key that this object has already.
    DuplicateKey {
        /// The key, its escapes decoded, cut short if it is very long.
        key: String,
    },
    /// More objects and arrays inside one another than allowed.
    TooDeep {
        /// The greatest depth allowed.
        limit: usize,
    },
}

/// The most characters of a key or number that an error repeats.
const LONGEST_EXCERPT: usize = 64;

impl JsonTextError {
    /// The place, with the document itself called `root`: `data.a.b[0]` for the root `data`.
    #[must_use]
    pub fn path_under(&self, root: &str) -> String {
        join(root, &self.path)
    }

    /// The message, with the document itself called `root`.
    #[must_use]
    pub fn message_under(&self, root: &str) -> String {
        let place = join(root, &self.path);
        let place = if place.is_empty() {
            "the document"
        } else {
            &place
        };
        format!(
            "{} at {place} (byte {}). {}",
            self.problem,
            self.offset,
            self.problem.remedy()
        )
    }
}

impl fmt::Display for JsonTextError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message_under(""))
    }
}

impl std::error::Error for JsonTextError {}

impl JsonTextProblem {
    /// What the sender can do, as a sentence.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Empty => "Send a JSON value, such as {}.".into(),
            Self::UnexpectedEnd => "Send the whole document.".into(),
            Self::UnexpectedCharacter { expected, .. } => format!("Write {expected} there."),
            Self::TrailingText { .. } => "Send exactly one JSON value.".into(),
            Self::InvalidUtf8 => "Encode the text as UTF-8.".into(),
            Self::ControlCharacter { found } => {
                format!("Write it as the escape \\u{:04x}.", u32::from(*found))
            }
            Self::InvalidEscape => {
                "Write \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hexadecimal digits; \
                 a backslash itself is \\\\."
                    .into()
            }
            Self::LoneSurrogate { .. } => {
                "Write both halves of the pair, or leave the character out; text cut in the \
                 middle of a character is the usual cause."
                    .into()
            }
            Self::Nul => "Leave the character out; encode binary data as base64.".into(),
            Self::InvalidNumber => {
                "Write it as in 0, -1, 1.5 or 1e9: no leading zero or plus sign, and a digit on \
                 both sides of the point."
                    .into()
            }
            Self::NumberNotFinite { .. } => {
                "Send a number below about 1.8e308 in size, or send it as a string.".into()
            }
            Self::DuplicateKey { .. } => "Give each key of an object once.".into(),
            Self::TooDeep { .. } => "Nest the value less deeply.".into(),
        }
    }
}

impl fmt::Display for JsonTextProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(out, "there is no JSON value"),
            Self::UnexpectedEnd => write!(out, "the JSON text ends too early"),
            Self::UnexpectedCharacter { found, expected } => {
                write!(
                    out,
                    "unexpected character {found:?} where {expected} belongs"
                )
            }
            Self::TrailingText { found } => {
                write!(
                    out,
                    "more text, beginning with {found:?}, behind the end of the value"
                )
            }
            Self::InvalidUtf8 => write!(out, "the text is not UTF-8"),
            Self::ControlCharacter { found } => {
                write!(
                    out,
                    "unescaped control character U+{:04X}",
                    u32::from(*found)
                )
            }
            Self::InvalidEscape => write!(out, "a backslash that starts no JSON escape"),
            Self::LoneSurrogate { code } => {
                write!(
                    out,
                    "half of a surrogate pair, \\u{code:04x}, without the other half"
                )
            }
            Self::Nul => write!(out, "the character U+0000 (NUL)"),
            Self::InvalidNumber => write!(out, "a number that JSON does not allow"),
            Self::NumberNotFinite { written } => {
                write!(out, "the number {written} is too large for a 64-bit float")
            }
            Self::DuplicateKey { key } => write!(out, "the key {key:?} a second time"),
            Self::TooDeep { limit } => {
                write!(
                    out,
                    "more than {limit} objects and arrays inside one another"
                )
            }
        }
    }
}

/// Appends the step into an object to a path. The key comes decoded.
pub(super) fn push_key(path: &mut String, key: &str) {
    let plain = !key.is_empty() && key.bytes().all(is_plain);
    match (plain, path.is_empty()) {
        (true, true) => path.push_str(&excerpt(key)),
        (true, false) => {
            path.push('.');
            path.push_str(&excerpt(key));
        }
        (false, _) => path.extend(["[", &format!("{:?}", excerpt(key)), "]"]),
    }
}

/// Appends the step into an array to a path.
pub(super) fn push_index(path: &mut String, index: usize) {
    path.extend(["[", &index.to_string(), "]"]);
}

/// At most [`LONGEST_EXCERPT`] characters of a text that the sender chose.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Whether a character may stand in a key of a path without quotation marks; the same set as in
/// [`JsonPath`](crate::json_path::JsonPath).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-')
}

fn join(root: &str, path: &str) -> String {
    if root.is_empty() || path.is_empty() || path.starts_with('[') {
        format!("{root}{path}")
    } else {
        format!("{root}.{path}")
    }
}
