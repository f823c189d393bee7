//! A walk over compact, valid JSON text that skips what is not wanted.
//!
//! On text that is neither compact nor valid a walk ends early or finds the wrong thing, but it
//! never panics and never runs past the end.

use super::string::same_characters;

/// A place in compact JSON text.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Goes on by one byte where it is `wanted`.
    pub(crate) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Inside an object, before a member: its key as written (without the quotation marks) and
    /// the text of its value. `None` at the end of the object.
    pub(crate) fn next_member(&mut self) -> Option<(&'a str, &'a str)> {
        let key = self.next_key()?;
        let value = self.skip_value()?;
        self.eat(b',');
        Some((key, value))
    }

    /// Stands before an object: goes to the value of the member with this key (`None` if there is
    /// none, or if it is no object).
    pub(crate) fn enter_member(&mut self, key: &str) -> Option<()> {
        if !self.eat(b'{') {
            return None;
        }
        while !same_characters(self.next_key()?, key) {
            self.skip_value()?;
            self.eat(b',');
        }
        Some(())
    }

    /// Stands before an array: goes to its element of this index, counted from 0 (`None` if there
    /// is none, or if it is no array).
    pub(crate) fn enter_element(&mut self, index: u32) -> Option<()> {
        if !self.eat(b'[') || self.peek() == Some(b']') {
            return None;
        }
        for _ in 0..index {
            self.skip_value()?;
            if !self.eat(b',') {
                return None;
            }
        }
        Some(())
    }

    /// Goes past one value and answers its text.
    pub(crate) fn skip_value(&mut self) -> Option<&'a str> {
        let start = self.at;
        match self.peek()? {
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_container()?,
            _ => self.skip_scalar(),
        }
        self.text.get(start..self.at)
    }

    /// Before a member: goes past its key and the colon.
    fn next_key(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        if self.peek() != Some(b'"') {
            return None;
        }
        self.skip_string()?;
        let key = self.text.get(start..self.at - 1)?;
        self.eat(b':').then_some(key)
    }

    /// Goes past a string, from its opening to behind its closing quotation mark.
    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Goes past an object or array by counting brackets, so that its depth costs nothing.
    fn skip_container(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes past a number or a literal name.
    fn skip_scalar(&mut self) {
        while !matches!(self.peek(), None | Some(b',' | b'}' | b']')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
