//! Whole numbers that are written with a fraction or an exponent.
//!
//! JSON and JSON Schema know one kind of number, so 4, 4.0 and 4e0 are the same and all of them are
//! integers. Some languages write 4.0. serde reads an integer from 4 alone, so the other two are
//! rewritten for it. The text is changed instead of the parsed value, because a parsed object no
//! longer shows that a key occurs twice, which is a fault.

/// The same JSON text with every whole number that fits 32 bits written in digits only. What stands
/// inside of strings is left alone, as are other numbers. A number that becomes shorter is followed
/// by spaces instead, so that what is said of a place in the text holds for the original as well.
pub(super) fn with_plain_whole_numbers(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find(|found: char| "\"-0123456789".contains(found)) {
        let (between, token_and_rest) = rest.split_at(start);
        let (token, after) = token_and_rest.split_at(token_length(token_and_rest));
        plain.push_str(between);
        plain.push_str(whole_number(token).as_deref().unwrap_or(token));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The length in bytes of the string or number that the text begins with.
fn token_length(text: &str) -> usize {
    if text.starts_with('"') {
        return string_length(text);
    }
    let is_outside = |found: char| !"+-.eE0123456789".contains(found);
    text.find(is_outside).unwrap_or(text.len())
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn whole_number(token: &str) -> Option<String> {
    if token.starts_with('"') || !token.contains(['.', 'e', 'E']) {
        return None;
    }
    let number: f64 = token.parse().ok()?;
    let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    if !fits || number.fract() != 0.0 {
        return None;
    }
    // Adding zero makes a negative zero positive, because `-0` is no integer to serde.
    let mut plain = format!("{:.0}", number + 0.0);
    // By hand, because the width of a format is bounded, and a number may have any number of zeros.
    let spaces = token.len().saturating_sub(plain.len());
    plain.extend(std::iter::repeat_n(' ', spaces));
    Some(plain)
}
