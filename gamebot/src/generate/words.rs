//! The words of the generated games.

/// Common nouns of which none is a variant of another, so that two different ones never match.
///
/// There are far more than a pair of players can have forbidden at a time (24) plus the words of
/// an attempt (4), so a search for an allowed word always ends.
pub(super) const WORDS: [&str; 128] = [
    "acorn", "alley", "anchor", "apple", "arrow", "basket", "beetle", "bell", "blanket", "bottle",
    "bread", "brick", "broom", "bucket", "butter", "button", "cabin", "cactus", "camel", "canal",
    "canyon", "carpet", "castle", "cellar", "chalk", "cherry", "chimney", "circus", "cliff",
    "clock", "cloud", "clover", "comet", "copper", "coral", "cotton", "cradle", "crystal",
    "curtain", "desert", "diamond", "dragon", "drum", "eagle", "engine", "falcon", "feather",
    "fence", "ferry", "fiddle", "forest", "fossil", "garden", "garlic", "geyser", "giant",
    "glacier", "glove", "granite", "guitar", "hammer", "harvest", "helmet", "honey", "island",
    "ivory", "jewel", "jigsaw", "kernel", "kitchen", "ladder", "lagoon", "lemon", "library",
    "magnet", "maple", "marble", "meadow", "mirror", "mustard", "nest", "nickel", "oasis", "ocean",
    "olive", "orbit", "orchard", "otter", "paddle", "parade", "parrot", "pebble", "pepper",
    "piano", "pillow", "planet", "pocket", "potato", "prairie", "pumpkin", "puzzle", "quarry",
    "rabbit", "rocket", "saddle", "sailor", "satin", "shovel", "signal", "silver", "spiral",
    "squirrel", "tailor", "temple", "thunder", "timber", "tractor", "tunnel", "turtle", "umbrella",
    "velvet", "violin", "volcano", "walnut", "whistle", "willow", "window", "winter",
];
