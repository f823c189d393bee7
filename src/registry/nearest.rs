//! Known names for an unknown one: most unknown types are known ones with a slip in them.

/// The most names that are suggested.
const MOST: usize = 3;

/// The known names with the fewest edits, the nearest first, unless more than a third of the wrong name
/// would change.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let most_edits = wrong.len() / 3;
    let mut found: Vec<(usize, &str)> = known
        // So many edits are needed at least.
        .filter(|name| name.len().abs_diff(wrong.len()) <= most_edits)
        .map(|name| (edit_distance(wrong, name), name))
        .filter(|(distance, _)| *distance <= most_edits)
        .collect();
    found.sort_unstable();
    let nearest = found.into_iter().take(MOST);
    nearest.map(|(_, name)| name.to_owned()).collect()
}

/// The least number of characters to insert, delete or replace (Levenshtein), one row at a time. Types are
/// ASCII.
fn edit_distance(from: &str, to: &str) -> usize {
    let to = to.as_bytes();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, from_byte) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, to_byte) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from_byte != *to_byte);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let known = [
            "guess_processed",
            "guess_started",
            "game_started",
            "game_paused",
        ];
        assert_eq!(
            nearest("guess_procesed", known.into_iter()),
            ["guess_processed"]
        );
        assert_eq!(nearest("game_start", known.into_iter()), ["game_started"]);
        assert!(nearest("coffee_brewed", known.into_iter()).is_empty());
        assert!(nearest("a", known.into_iter()).is_empty());
    }
}
