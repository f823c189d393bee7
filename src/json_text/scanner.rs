//! The one pass over a document that checks it and makes its compact text.
//!
//! Containers are kept on a stack of our own, never on the thread's: the depth of a hostile
//! document costs memory up to the limit and nothing else. Text is copied only from the first
//! white space on; a document that is compact already is taken over whole.

mod token;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::JsonLimits;
use super::error::{JsonTextError, JsonTextProblem as Problem, excerpt, push_index, push_key};
use super::string::decode;

/// Up to this many keys of an object are compared one by one; from there on in a hash set, so that
/// an object of any size takes linear time.
const MOST_KEYS_COMPARED: usize = 16;

/// The state of the pass.
pub(super) struct Scanner<'a> {
    raw: &'a str,
    /// The next byte to look at.
    at: usize,
    open: Vec<Container<'a>>,
    /// The keys of all open objects, the outermost first: one allocation for all of them.
    keys: Vec<Key<'a>>,
    max_depth: usize,
    compact: String,
    /// Where the text begins that has been checked and not yet copied to `compact`.
    uncopied: usize,
}

/// An object or array whose end has not come yet.
enum Container<'a> {
    Object {
        /// Where its keys begin in `Scanner::keys`.
        first_key: usize,
        /// Its keys, once there are too many to compare one by one.
        key_set: Option<HashSet<Cow<'a, str>>>,
        /// The key whose value is being read, as written.
        current: Option<&'a str>,
    },
    Array {
        /// The index of the element that is being read.
        index: usize,
    },
}

/// A key as written, without its quotation marks.
#[derive(Clone, Copy)]
struct Key<'a> {
    written: &'a str,
    escaped: bool,
}

type Step<T = ()> = Result<T, JsonTextError>;

impl<'a> Scanner<'a> {
    pub(super) fn new(raw: &'a str, limits: &JsonLimits) -> Self {
        Self {
            raw,
            at: 0,
            open: Vec::with_capacity(8),
            keys: Vec::with_capacity(16),
            max_depth: limits.max_depth,
            compact: String::new(),
            uncopied: 0,
        }
    }

    /// Goes through the whole document and answers its compact text.
    pub(super) fn scan(mut self) -> Step<Arc<str>> {
        self.skip_space();
        if self.peek().is_none() {
            return Err(self.fail(Problem::Empty, self.at));
        }
        self.document()?;
        self.skip_space();
        match self.next_char() {
            Some(found) => Err(self.fail(Problem::TrailingText { found }, self.at)),
            None => Ok(self.into_compact()),
        }
    }

    fn document(&mut self) -> Step {
        loop {
            self.skip_space();
            let value_follows = match self.peek() {
                Some(b'{') => self.open_object()?,
                Some(b'[') => self.open_array()?,
                _ => {
                    self.scalar()?;
                    false
                }
            };
            if !value_follows && !self.next_value()? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what ends here. Whether another value follows.
    fn next_value(&mut self) -> Step<bool> {
        loop {
            self.skip_space();
            let next = self.peek();
            match (self.open.last_mut(), next) {
                (None, _) => return Ok(false),
                (Some(Container::Object { .. }), Some(b',')) => {
                    self.at += 1;
                    self.key()?;
                    return Ok(true);
                }
                (Some(Container::Array { index }), Some(b',')) => {
                    *index += 1;
                    self.at += 1;
                    return Ok(true);
                }
                (Some(Container::Object { .. }), Some(b'}'))
                | (Some(Container::Array { .. }), Some(b']')) => self.close(),
                (Some(Container::Object { .. }), _) => {
                    return Err(self.unexpected("a comma or the end of the object, },"));
                }
                (Some(Container::Array { .. }), _) => {
                    return Err(self.unexpected("a comma or the end of the array, ],"));
                }
            }
        }
    }

    /// At `{`. Whether a value follows; an empty object is complete at once.
    fn open_object(&mut self) -> Step<bool> {
        let first_key = self.keys.len();
        self.push(Container::Object {
            first_key,
            key_set: None,
            current: None,
        })?;
        if self.peek() == Some(b'}') {
            self.close();
            return Ok(false);
        }
        self.key()?;
        Ok(true)
    }

    /// At `[`. Whether a value follows; an empty array is complete at once.
    fn open_array(&mut self) -> Step<bool> {
        self.push(Container::Array { index: 0 })?;
        if self.peek() == Some(b']') {
            self.close();
            return Ok(false);
        }
        Ok(true)
    }

    fn push(&mut self, container: Container<'a>) -> Step {
        if self.open.len() >= self.max_depth {
            return Err(self.fail(
                Problem::TooDeep {
                    limit: self.max_depth,
                },
                self.at,
            ));
        }
        self.open.push(container);
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn close(&mut self) {
        if let Some(Container::Object { first_key, .. }) = self.open.pop() {
            self.keys.truncate(first_key);
        }
        self.at += 1;
    }

    /// Before a key: goes past it and the colon, and remembers it.
    fn key(&mut self) -> Step {
        if let Some(Container::Object { current, .. }) = self.open.last_mut() {
            *current = None;
        }
        self.skip_space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let escaped = self.string()?;
        let written = self.slice(start + 1, self.at - 1);
        let is_new = self.remember(Key { written, escaped });
        if !is_new {
            let key = excerpt(&decode(written));
            return Err(self.fail(Problem::DuplicateKey { key }, start));
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon"));
        }
        self.at += 1;
        Ok(())
    }

    /// Notes a key of the innermost object. Whether the object did not have it yet.
    fn remember(&mut self, key: Key<'a>) -> bool {
        let Some(Container::Object {
            first_key,
            key_set,
            current,
        }) = self.open.last_mut()
        else {
            return true;
        };
        *current = Some(key.written);
        if let Some(set) = key_set {
            return set.insert(key.decoded());
        }
        let earlier = self.keys.get(*first_key..).unwrap_or_default();
        if earlier.iter().any(|known| known.is_same(&key)) {
            return false;
        }
        self.keys.push(key);
        let all = self.keys.get(*first_key..).unwrap_or_default();
        if all.len() > MOST_KEYS_COMPARED {
            *key_set = Some(all.iter().map(Key::decoded).collect());
        }
        true
    }

    /// Goes past white space between tokens, and leaves it out of the compact text.
    fn skip_space(&mut self) {
        if !matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return;
        }
        if self.compact.is_empty() {
            self.compact.reserve(self.raw.len());
        }
        let checked = self.slice(self.uncopied, self.at);
        self.compact.push_str(checked);
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.uncopied = self.at;
    }

    fn into_compact(mut self) -> Arc<str> {
        if self.uncopied == 0 {
            return Arc::from(self.raw);
        }
        let checked = self.slice(self.uncopied, self.at);
        self.compact.push_str(checked);
        Arc::from(self.compact)
    }

    fn peek(&self) -> Option<u8> {
        self.raw.as_bytes().get(self.at).copied()
    }

    fn next_char(&self) -> Option<char> {
        self.raw.get(self.at..).and_then(|rest| rest.chars().next())
    }

    /// The text between two tokens' ends, which are always between characters.
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.raw.get(start..end).unwrap_or_default()
    }

    fn unexpected(&self, expected: &'static str) -> JsonTextError {
        match self.next_char() {
            Some('\0') => self.fail(Problem::Nul, self.at),
            Some(found) => self.fail(Problem::UnexpectedCharacter { found, expected }, self.at),
            None => self.fail(Problem::UnexpectedEnd, self.at),
        }
    }

    fn fail(&self, problem: Problem, offset: usize) -> JsonTextError {
        let (path, steps) = self.place();
        JsonTextError {
            problem,
            path,
            steps,
            offset,
        }
    }

    /// The path of the value that is being read, as text and as steps.
    fn place(&self) -> (String, Vec<String>) {
        let (mut path, mut steps) = (String::new(), Vec::new());
        for container in &self.open {
            match container {
                Container::Object {
                    current: Some(key), ..
                } => {
                    let key = decode(key);
                    push_key(&mut path, &key);
                    steps.push(excerpt(&key));
                }
                Container::Object { current: None, .. } => {}
                Container::Array { index } => {
                    push_index(&mut path, *index);
                    steps.push(index.to_string());
                }
            }
        }
        (path, steps)
    }
}

impl<'a> Key<'a> {
    fn decoded(&self) -> Cow<'a, str> {
        if self.escaped {
            decode(self.written)
        } else {
            Cow::Borrowed(self.written)
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        if self.escaped || other.escaped {
            self.decoded() == other.decoded()
        } else {
            self.written == other.written
        }
    }
}

/// The error for bytes of which only the first `valid` are UTF-8: an earlier fault if there is
/// one, otherwise the encoding itself, at the place that was reached.
pub(super) fn not_utf8(raw: &[u8], valid: usize, limits: &JsonLimits) -> JsonTextError {
    let prefix = raw
        .get(..valid)
        .and_then(|prefix| std::str::from_utf8(prefix).ok());
    match prefix.map(|prefix| Scanner::new(prefix, limits).scan()) {
        Some(Err(error)) if error.offset < valid => error,
        Some(Err(error)) => JsonTextError {
            problem: Problem::InvalidUtf8,
            path: error.path,
            steps: error.steps,
            offset: valid,
        },
        Some(Ok(_)) | None => JsonTextError {
            problem: Problem::InvalidUtf8,
            path: String::new(),
            steps: Vec::new(),
            offset: valid,
        },
    }
}
