//! Counts the tokens of a document and how deep its brackets nest, in one pass and without
//! memory, so that a parser never sees a document that would cost it much.
//!
//! It follows the lexical grammar of GraphQL (October 2021, 2.1) closely enough never to count
//! fewer tokens than the parser finds; text that is no GraphQL at all is left to the parser.

/// What one pass over a document finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) tokens: usize,
    pub(super) nesting: usize,
}

/// Counts until the end, or until there are more than `most` tokens.
pub(super) fn count(source: &str, most: usize) -> Count {
    let bytes = source.as_bytes();
    let mut count = Count {
        tokens: 0,
        nesting: 0,
    };
    let mut open: usize = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += run(&bytes[at..], |b| b != b'\n' && b != b'\r');
                continue;
            }
            b'{' | b'(' | b'[' => open += 1,
            b'}' | b')' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += token_length(&bytes[at..]);
        count.tokens += 1;
        count.nesting = count.nesting.max(open);
        if count.tokens > most {
            break;
        }
    }
    count
}

/// Length of the token at the start of `rest`, at least 1.
fn token_length(rest: &[u8]) -> usize {
    match rest {
        [b'"', b'"', b'"', ..] => block_string_length(rest),
        [b'"', ..] => string_length(rest),
        [b'.', b'.', b'.', ..] => 3,
        [b'-', ..] => 1 + number_length(&rest[1..]),
        [b'0'..=b'9', ..] => number_length(rest),
        [b'_' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
            run(rest, |b| b == b'_' || b.is_ascii_alphanumeric())
        }
        _ => 1,
    }
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at.min(rest.len())
}

fn block_string_length(rest: &[u8]) -> usize {
    let mut at = 3;
    while at < rest.len() {
        match &rest[at..] {
            [b'\\', b'"', b'"', b'"', ..] => at += 4,
            [b'"', b'"', b'"', ..] => return at + 3,
            _ => at += 1,
        }
    }
    rest.len()
}

fn number_length(rest: &[u8]) -> usize {
    let digit = |b: u8| b.is_ascii_digit();
    let mut at = run(rest, digit);
    if let [b'.', b'0'..=b'9', ..] = &rest[at..] {
        at += 1 + run(&rest[at + 1..], digit);
    }
    match &rest[at..] {
        [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => at + 2 + run(&rest[at + 2..], digit),
        [b'e' | b'E', b'0'..=b'9', ..] => at + 1 + run(&rest[at + 1..], digit),
        _ => at,
    }
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|&byte| !belongs(byte))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> usize {
        count(source, usize::MAX).tokens
    }

    #[test]
    fn every_kind_of_token_counts_as_one() {
        assert_eq!(
            tokens("query Q($a: [Int!] = [1, -2.5e+3]) { f(a: $a) ...F @x }"),
            29
        );
        assert_eq!(tokens(r#" "a \" } { b" "#), 1);
        assert_eq!(tokens("\"\"\" { \\\"\"\" \n } \"\"\""), 1);
        assert_eq!(tokens("# { { {\n{ }"), 2);
        assert_eq!(tokens(", ,\t\r\n"), 0);
    }

    #[test]
    fn numbers_written_without_a_space_are_counted_apart() {
        assert_eq!(tokens("1-1-1"), 3);
        assert_eq!(tokens("1.5.5"), 3);
    }

    #[test]
    fn brackets_nest_and_strings_and_comments_do_not() {
        assert_eq!(
            count("{a(b:[{c:\"[[[\"}]) # {{{\n{d}}", usize::MAX).nesting,
            4
        );
    }

    #[test]
    fn counting_stops_one_token_past_the_limit() {
        assert_eq!(count(&"a ".repeat(1_000), 10).tokens, 11);
    }

    #[test]
    fn text_that_never_ends_its_strings_is_still_read_once() {
        assert_eq!(tokens("\"abc"), 1);
        assert_eq!(tokens("\"abc\\"), 1);
        assert_eq!(tokens("\"\"\"abc"), 1);
        assert_eq!(tokens("-"), 1);
        assert_eq!(tokens("ä"), 2);
    }
}
