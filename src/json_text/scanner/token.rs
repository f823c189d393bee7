//! Strings, numbers and literal names.

use super::super::error::{JsonTextProblem as Problem, excerpt};
use super::super::number;
use super::{Scanner, Step};

impl Scanner<'_> {
    /// Before a value that is no container: goes past it.
    pub(super) fn scalar(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn literal(&mut self, name: &'static str) -> Step {
        for wanted in name.bytes() {
            if self.peek() != Some(wanted) {
                return Err(self.unexpected(name));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// At a quotation mark: goes past the string. Whether it has escapes.
    pub(super) fn string(&mut self) -> Step<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0) => return Err(self.fail(Problem::Nul, self.at)),
                Some(control @ 1..=0x1F) => {
                    let problem = Problem::ControlCharacter {
                        found: char::from(control),
                    };
                    return Err(self.fail(problem, self.at));
                }
                Some(_) => self.at += 1,
                None => return Err(self.fail(Problem::UnexpectedEnd, self.at)),
            }
        }
    }

    /// At a backslash inside a string.
    fn escape(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(start),
            Some(_) => Err(self.fail(Problem::InvalidEscape, start)),
            None => Err(self.fail(Problem::UnexpectedEnd, self.at)),
        }
    }

    /// At the `u` of an escape that began at `start`.
    fn unicode_escape(&mut self, start: usize) -> Step {
        self.at += 1;
        let code = self.four_digits(start)?;
        match code {
            0 => Err(self.fail(Problem::Nul, start)),
            0xD800..=0xDBFF => self.second_half(start, code),
            0xDC00..=0xDFFF => Err(self.fail(Problem::LoneSurrogate { code }, start)),
            _ => Ok(()),
        }
    }

    /// Behind the first half of a surrogate pair, which began at `start`.
    fn second_half(&mut self, start: usize, first: u16) -> Step {
        let second_start = self.at;
        for wanted in *b"\\u" {
            match self.peek() {
                Some(found) if found == wanted => self.at += 1,
                Some(_) => return Err(self.fail(Problem::LoneSurrogate { code: first }, start)),
                None => return Err(self.fail(Problem::UnexpectedEnd, self.at)),
            }
        }
        match self.four_digits(second_start)? {
            0xDC00..=0xDFFF => Ok(()),
            _ => Err(self.fail(Problem::LoneSurrogate { code: first }, start)),
        }
    }

    fn four_digits(&mut self, start: usize) -> Step<u16> {
        let mut code = 0_u16;
        for _ in 0..4 {
            let Some(digit) = self.peek() else {
                return Err(self.fail(Problem::UnexpectedEnd, self.at));
            };
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                b'A'..=b'F' => digit - b'A' + 10,
                _ => return Err(self.fail(Problem::InvalidEscape, start)),
            };
            code = code << 4 | u16::from(value);
            self.at += 1;
        }
        Ok(code)
    }

    /// At the first character of a number.
    fn number(&mut self) -> Step {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|next| next.is_ascii_digit()) {
                return Err(self.fail(Problem::InvalidNumber, start));
            }
        } else {
            self.digits(start)?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits(start)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits(start)?;
        }
        let written = self.slice(start, self.at);
        if number::is_finite(written) {
            return Ok(());
        }
        let written = excerpt(written);
        Err(self.fail(Problem::NumberNotFinite { written }, start))
    }

    /// One digit or more, in the number that began at `start`.
    fn digits(&mut self, start: usize) -> Step {
        let first = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        match (self.at > first, self.peek()) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(self.fail(Problem::InvalidNumber, start)),
            (false, None) => Err(self.fail(Problem::UnexpectedEnd, self.at)),
        }
    }
}
