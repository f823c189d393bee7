//! The grammar of a path.

use std::fmt;

use super::Step;

/// The most steps of a path.
const MOST_STEPS: usize = 16;
/// The greatest length of a path, in bytes.
const MOST_BYTES: usize = 200;
/// The greatest index, which is the greatest that PostgreSQL's operator takes.
const GREATEST_INDEX: u32 = i32::MAX.unsigned_abs();

/// Why a text is no path. Offsets are in bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonPathError {
    /// The text is empty.
    Empty,
    /// The text is longer than 200 bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The path has more than 16 steps.
    TooManySteps,
    /// The path begins with an index, but data and metadata are objects.
    FirstStepIsIndex,
    /// A key with no characters, as in `a..b` or `a.`.
    EmptyKey {
        /// Where the key belongs.
        offset: usize,
    },
    /// A character that may not stand there.
    UnexpectedCharacter {
        /// The character.
        found: char,
        /// Where it stands.
        offset: usize,
    },
    /// Between `[` and `]` stands no number from 0 to 2147483647 without leading zeros, or the
    /// `]` is missing.
    InvalidIndex {
        /// Where the index belongs.
        offset: usize,
    },
}

impl fmt::Display for JsonPathError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(out, "the path is empty")?,
            Self::TooLong { length } => {
                write!(out, "the path has {length} bytes, of at most {MOST_BYTES}")?;
            }
            Self::TooManySteps => write!(out, "the path has more than {MOST_STEPS} steps")?,
            Self::FirstStepIsIndex => {
                write!(
                    out,
                    "the path begins with an index, but its first step is a key"
                )?;
            }
            Self::EmptyKey { offset } => write!(out, "a key is missing at byte {offset}")?,
            Self::UnexpectedCharacter { found, offset } => {
                write!(
                    out,
                    "the character {found:?} at byte {offset} cannot stand there"
                )?;
            }
            Self::InvalidIndex { offset } => write!(
                out,
                "the index at byte {offset} is not a whole number from 0 to {GREATEST_INDEX} \
                 in brackets"
            )?,
        }
        out.write_str(
            ". Write keys of letters, digits, _, $ and -, separated by dots, and indexes in \
             brackets, as in a.b[0].",
        )
    }
}

impl std::error::Error for JsonPathError {}

/// The steps of a path, at least one.
pub(super) fn steps(text: &str) -> Result<Vec<Step>, JsonPathError> {
    match text.len() {
        0 => return Err(JsonPathError::Empty),
        1..=MOST_BYTES => {}
        length => return Err(JsonPathError::TooLong { length }),
    }
    if text.starts_with('[') {
        return Err(JsonPathError::FirstStepIsIndex);
    }
    let mut reader = Reader { text, at: 0 };
    let mut steps = vec![reader.key()?];
    while let Some(step) = reader.next_step()? {
        if steps.len() == MOST_STEPS {
            return Err(JsonPathError::TooManySteps);
        }
        steps.push(step);
    }
    Ok(steps)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn next_step(&mut self) -> Result<Option<Step>, JsonPathError> {
        let offset = self.at;
        let Some(found) = self.rest().chars().next() else {
            return Ok(None);
        };
        self.at += 1;
        match found {
            '.' => self.key().map(Some),
            '[' => self.index().map(Some),
            _ => Err(JsonPathError::UnexpectedCharacter { found, offset }),
        }
    }

    fn key(&mut self) -> Result<Step, JsonPathError> {
        let offset = self.at;
        let key = self
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-'));
        if !key.is_empty() {
            return Ok(Step::Key(key.to_owned()));
        }
        match self.rest().chars().next() {
            None | Some('.' | '[') => Err(JsonPathError::EmptyKey { offset }),
            Some(found) => Err(JsonPathError::UnexpectedCharacter { found, offset }),
        }
    }

    /// Behind `[`: the index and `]`.
    fn index(&mut self) -> Result<Step, JsonPathError> {
        let error = JsonPathError::InvalidIndex { offset: self.at };
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
        let index = digits
            .parse::<u32>()
            .ok()
            .filter(|index| *index <= GREATEST_INDEX);
        match index {
            Some(index) if !has_leading_zero && self.rest().starts_with(']') => {
                self.at += 1;
                Ok(Step::Index(index))
            }
            _ => Err(error),
        }
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &str {
        let start = self.at;
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| belongs(*byte))
            .count();
        self.at += length;
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
}
