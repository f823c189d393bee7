//! Names that people can say.

/// Short words that are easy to say and to tell apart.
const WORDS: [&str; 64] = [
    "amber", "arctic", "autumn", "bamboo", "beacon", "birch", "bison", "breeze", "bronze", "canoe",
    "cedar", "cobalt", "condor", "cosmic", "coyote", "crane", "dahlia", "delta", "dune", "ember",
    "fern", "fjord", "flint", "galaxy", "gecko", "ginger", "harbor", "hazel", "heron", "indigo",
    "iris", "jade", "jasper", "juniper", "koala", "lantern", "lilac", "lotus", "lynx", "mango",
    "meteor", "mint", "monsoon", "nebula", "nectar", "opal", "orca", "papaya", "pine", "plum",
    "quartz", "raven", "reef", "saffron", "sierra", "summit", "tango", "topaz", "tulip", "tundra",
    "vortex", "wren", "yarrow", "zephyr",
];

/// How often a name with as many digits is tried before there is one digit more.
const ATTEMPTS_PER_LENGTH: u32 = 4;
const FEWEST_DIGITS: u32 = 3;
const MOST_DIGITS: u32 = 12;

/// A name for the replay of a game: a word, a hyphen and a number without leading zeros, for
/// example `heron-407`.
///
/// The same game and attempt give the same name. Names of different games can be the same, so
/// whoever stores them starts with attempt 1, and takes the next attempt when the name is taken.
/// The first 4 attempts have 3 digits, the next 4 have 4, and so on up to 12, so that a free name
/// is found soon however many there are.
#[must_use]
pub fn display_name(game_id: &str, attempt: u32) -> String {
    let steps = attempt.saturating_sub(1) / ATTEMPTS_PER_LENGTH;
    let digits = FEWEST_DIGITS.saturating_add(steps).min(MOST_DIGITS);
    let lowest = 10_u64.pow(digits - 1);
    let numbers = lowest * 9;
    let dice = mixed(hash(game_id) ^ (u64::from(attempt) << 32));
    let word = usize::try_from(dice % 64).unwrap_or_default();
    let number = lowest + (dice >> 6) % numbers;
    format!("{}-{number}", WORDS[word])
}

/// FNV-1a: the name is stored, so it must not depend on a hash of the standard library, which may
/// change.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Spreads the differences between similar ids over all bits.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
