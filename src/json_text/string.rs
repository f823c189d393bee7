//! The characters that a JSON string stands for.

use std::borrow::Cow;

/// The text between the quotation marks of a string; the text itself if it has none.
pub(super) fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(raw)
}

/// Decodes the escapes of a valid string, given without its quotation marks. Borrows where there
/// are none. In damaged text, what is no escape stands for U+FFFD.
pub(crate) fn decode(written: &str) -> Cow<'_, str> {
    if written.as_bytes().contains(&b'\\') {
        Cow::Owned(Characters::new(written).collect())
    } else {
        Cow::Borrowed(written)
    }
}

/// Whether a string as written (without its quotation marks) stands for exactly these characters.
pub(crate) fn same_characters(written: &str, characters: &str) -> bool {
    if written.as_bytes().contains(&b'\\') {
        Characters::new(written).eq(characters.chars())
    } else {
        written == characters
    }
}

/// The characters of a string, its escapes decoded one by one.
struct Characters<'a> {
    rest: std::str::Chars<'a>,
}

impl<'a> Characters<'a> {
    fn new(written: &'a str) -> Self {
        Self {
            rest: written.chars(),
        }
    }

    fn escape(&mut self) -> char {
        match self.rest.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.code_point().unwrap_or(char::REPLACEMENT_CHARACTER),
            Some(itself @ ('"' | '\\' | '/')) => itself,
            _ => char::REPLACEMENT_CHARACTER,
        }
    }

    /// Behind `\u`: four digits, and for the first half of a surrogate pair the second escape.
    fn code_point(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xD800..=0xDBFF).contains(&first) {
            return char::from_u32(first);
        }
        let second = (self.rest.next() == Some('\\') && self.rest.next() == Some('u'))
            .then(|| self.four_digits())
            .flatten()
            .filter(|second| (0xDC00..=0xDFFF).contains(second))?;
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code * 16 + self.rest.next()?.to_digit(16)?;
        }
        Some(code)
    }
}

impl Iterator for Characters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self.rest.next()? {
            '\\' => Some(self.escape()),
            plain => Some(plain),
        }
    }
}
