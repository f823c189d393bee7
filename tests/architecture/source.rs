//! Rust source as words and signs: enough to see what a file names, and no more.

/// A piece of source that means something; comments and blanks are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier, keyword or number.
    Word(String),
    /// A string, character or byte literal: its text between the quotes.
    Literal(String),
    /// `::` as one sign, everything else letter by letter.
    Sign(&'static str),
}

const SIGNS: [&str; 29] = [
    "::", "(", ")", "[", "]", "{", "}", "<", ">", ";", ",", ".", ":", "#", "!", "=", "&", "|", "+",
    "-", "*", "/", "?", "@", "%", "^", "$", "~", "'",
];

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Sign(sign) => *sign == text,
            Self::Literal(_) => false,
        }
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Literal(_) | Self::Sign(_) => None,
        }
    }
}

/// The tokens of a source text.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut rest = source;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
        } else if let Some((text, length)) = literal(rest) {
            (Some(Token::Literal(text)), length)
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let length = end.unwrap_or(rest.len());
            (Some(Token::Word(rest[..length].to_owned())), length)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let length = sign.map_or(first.len_utf8(), |sign| sign.len());
            (sign.map(|sign| Token::Sign(sign)), length)
        };
        found.extend(token);
        rest = &rest[length..];
    }
    found
}

/// A string, raw string, byte or character literal at the beginning, and its length. A lifetime is none.
fn literal(rest: &str) -> Option<(String, usize)> {
    let prefix = rest.len() - rest.trim_start_matches(['b', 'r', 'c']).len();
    let (prefix, after) = if prefix > 2 {
        (0, rest)
    } else {
        rest.split_at_checked(prefix)
            .map(|(one, two)| (one.len(), two))?
    };
    let hashes = after.len() - after.trim_start_matches('#').len();
    let is_raw = rest[..prefix].contains('r');
    if is_raw && after[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let body = &after[hashes + 1..];
        let end = body.find(&close)?;
        return Some((
            body[..end].to_owned(),
            prefix + hashes + 1 + end + close.len(),
        ));
    }
    if let Some(body) = after.strip_prefix('"') {
        let end = closing(body, '"')?;
        return Some((body[..end].to_owned(), prefix + end + 2));
    }
    let is_character = after.starts_with("'\\") || after.chars().nth(2) == Some('\'');
    if let Some(body) = after.strip_prefix('\'').filter(|_| is_character) {
        let end = closing(body, '\'')?;
        return Some((body[..end].to_owned(), prefix + end + 2));
    }
    None
}

/// Where the quote stands that is not escaped.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (place, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(place),
            _ => {}
        }
    }
    None
}

/// The tokens without the items, and without the attributes, that exist only under `condition`: what stands
/// between the brackets of `#[cfg(…)]`, for example `test` or `feature = "graphql"`.
pub(crate) fn without(tokens: &[Token], condition: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        let attribute = attribute_end(tokens, place);
        match attribute {
            Some(end) if is_condition(&tokens[place..end], "cfg", condition) => {
                place = item_end(tokens, end);
            }
            Some(end) if is_condition(&tokens[place..end], "cfg_attr", condition) => place = end,
            _ => {
                kept.push(token.clone());
                place += 1;
            }
        }
    }
    kept
}

/// Whether an attribute is `#[name(condition …`.
fn is_condition(attribute: &[Token], name: &str, condition: &[Token]) -> bool {
    let inside = attribute.get(2..).unwrap_or_default();
    inside.first().is_some_and(|token| token.is(name))
        && inside
            .get(2..)
            .is_some_and(|inside| inside.starts_with(condition))
}

/// Where the attribute that begins here ends, if one does.
fn attribute_end(tokens: &[Token], place: usize) -> Option<usize> {
    let opens = tokens.get(place)?.is("#") && tokens.get(place + 1)?.is("[");
    opens.then(|| group_end(tokens, place + 1))
}

/// Where the item ends whose attributes or text begin here: behind its block or its semicolon.
fn item_end(tokens: &[Token], mut place: usize) -> usize {
    while let Some(end) = attribute_end(tokens, place) {
        place = end;
    }
    while let Some(token) = tokens.get(place) {
        if token.is("{") {
            return group_end(tokens, place);
        }
        if token.is("(") || token.is("[") {
            place = group_end(tokens, place);
            continue;
        }
        place += 1;
        if token.is(";") {
            break;
        }
    }
    place
}

/// Where the brackets that open here are closed.
fn group_end(tokens: &[Token], mut place: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(place) {
        place += 1;
        if ["(", "[", "{"].iter().any(|open| token.is(open)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                break;
            }
        }
    }
    place
}

/// The names that begin a path, such as `tokio` of `tokio::sync::mpsc` and of `use tokio;`.
pub(crate) fn path_heads(tokens: &[Token]) -> Vec<&str> {
    let mut heads = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let Some(word) = token.word() else { continue };
        let before = |steps: usize| place.checked_sub(steps).and_then(|place| tokens.get(place));
        let continues = before(1).is_some_and(|token| token.is("::"))
            && before(2)
                .is_some_and(|token| token.is(">") || token.word().is_some() && !token.is("use"));
        let leads = tokens.get(place + 1).is_some_and(|token| token.is("::"))
            || before(1).is_some_and(|token| {
                token.is("use")
                    || token.is("crate") && before(2).is_some_and(|token| token.is("extern"))
            });
        if leads && !continues && word != "use" {
            heads.push(word);
        }
    }
    heads
}

/// The modules of the crate's root that a file names, whose own module lies `depth` below the root.
pub(crate) fn root_modules(tokens: &[Token], depth: usize) -> Vec<&str> {
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let after = root_prefix(&tokens[place..], depth);
        if after > 0 {
            found.extend(listed(&tokens[place + after..]));
        }
        place += after.max(1);
    }
    found
}

/// The length of `crate::`, or of as many `super::` as lead to the root; 0 if there is neither.
fn root_prefix(tokens: &[Token], depth: usize) -> usize {
    let step = |name: &str, place: usize| {
        tokens.get(place).is_some_and(|token| token.is(name))
            && tokens.get(place + 1).is_some_and(|token| token.is("::"))
    };
    if step("crate", 0) {
        return 2;
    }
    let supers = (0..tokens.len())
        .take_while(|number| step("super", number * 2))
        .count();
    if supers > 0 && supers == depth {
        supers * 2
    } else {
        0
    }
}

/// The name that comes next, or the names that lead each part of a list in braces.
fn listed(tokens: &[Token]) -> Vec<&str> {
    if !tokens.first().is_some_and(|token| token.is("{")) {
        return tokens.first().and_then(Token::word).into_iter().collect();
    }
    let mut names = Vec::new();
    let mut depth = 0;
    for pair in tokens[..group_end(tokens, 0)].windows(2) {
        depth += i32::from(pair[0].is("{")) - i32::from(pair[0].is("}"));
        if depth == 1 && (pair[0].is("{") || pair[0].is(",")) {
            names.extend(pair[1].word());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tokens: &[Token]) -> String {
        let words = tokens.iter().map(|token| match token {
            Token::Word(word) => word.clone(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Literal(text) => format!("<{text}>"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go_and_literals_are_no_code() {
        let source = r##"let a = "x // \"y"; // sea_orm::z
            let b = r#"tower::"q" "#; /* axum:: */ fn f<'a>(c: &'a str) { '"'; '\''; b"k" }"##;
        let expected = "let a = <x // \\\"y> ; let b = <tower::\"q\" > ; \
                        fn f < ' a > ( c : & ' a str ) { <\"> ; <\\'> ; <k> }";
        assert_eq!(text(&tokens(source)), expected);
    }

    #[test]
    fn items_of_a_condition_are_left_out_with_all_of_their_text() {
        let source = "#[cfg(test)] mod tests; fn a() {} #[cfg(test)] #[other] pub(crate) mod t { fn b() {} } \
                      #[cfg_attr(test, derive(X))] struct S; #[cfg(unix)] fn c() {}";
        let kept = without(&tokens(source), &tokens("test)"));
        assert_eq!(
            text(&kept),
            "fn a ( ) { } # [ cfg_attr ( test , derive ( X ) ) ] struct S ; # [ cfg ( unix ) ] fn c ( ) { }"
        );
    }

    #[test]
    fn a_path_is_known_by_its_first_name() {
        let source = "use tokio::sync::mpsc; use axum; use ::clap::Parser; <Self as X>::tower::Y; a.b::<toml>()";
        assert_eq!(path_heads(&tokens(source)), ["tokio", "axum", "clap", "b"]);
    }

    #[test]
    fn the_root_is_reached_by_crate_and_by_enough_supers() {
        let source = "crate::store::read::X; use crate::{event::{Y, Z}, graphql}; super::super::server::A; super::B;";
        assert_eq!(
            root_modules(&tokens(source), 2),
            ["store", "event", "graphql", "server"]
        );
    }
}
