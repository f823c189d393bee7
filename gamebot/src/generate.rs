//! An endless supply of realistic games, for filling a server and for measuring it.
//!
//! The games obey the rules of the game: counters, rosters, times and causes are consistent, so a
//! server with all validation switched on accepts them. The same seed, start and mode give the
//! same games to the last byte, event ids included, so playing them again is a repeated request.

mod community;
mod game;
mod knockout;
mod lobby;
mod longform;
mod pen;
mod race;
mod random;
mod streams;
mod team_play;
mod two_player;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use self::{community::Community, random::Random};
use crate::script::{GameScript, StreamScript};

/// The modes in which games can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeneratedMode {
    /// One team, 9 to 12 rounds.
    TwoPlayer,
    /// 6 to 8 teams, until one is left.
    Knockout,
    /// 2 to 4 teams, 180 seconds.
    Race,
    /// 2 or 3 teams, 180 seconds.
    GolfRace,
    /// 5 to 8 teams, until one is left; each round takes a day.
    Longform,
}

impl GeneratedMode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TwoPlayer,
        Self::Knockout,
        Self::Race,
        Self::GolfRace,
        Self::Longform,
    ];

    /// The text for the mode in the data of events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TwoPlayer => "two_player",
            Self::Knockout => "knockout",
            Self::Race => "race",
            Self::GolfRace => "golf_race",
            Self::Longform => "longform",
        }
    }
}

/// Generates games of one mode, of 30 to 300 events each, and never ends.
///
/// All games of a generator are played by one community of 8 Discord servers with 24 teams each,
/// so that players and teams gather a history; the same seed gives the same community in every
/// mode. Each game starts 5 to 90 seconds after the one before it; they overlap, as on a busy
/// server. Some games begin with a lobby, and of some a few things are observed in a stream of
/// their own.
#[derive(Clone, Debug)]
pub struct GameGenerator {
    random: Random,
    community: Community,
    next_start: DateTime<Utc>,
    mode: GeneratedMode,
}

impl GameGenerator {
    /// A generator whose first game starts at `start`. Different seeds give different games, with
    /// different ids.
    #[must_use]
    pub fn new(seed: u64, start: DateTime<Utc>, mode: GeneratedMode) -> Self {
        let mut random = Random::new(seed);
        Self {
            community: Community::new(&mut random),
            // Otherwise two modes with one seed would draw their ids from the same numbers.
            random: random.fork_for(mode as u64),
            next_start: start,
            mode,
        }
    }
}

impl Iterator for GameGenerator {
    type Item = GameScript;

    fn next(&mut self) -> Option<GameScript> {
        // Each game has dice of its own, so that a change to how one game is played does not
        // change the games after it.
        let mut random = self.random.fork();
        let start = self.next_start;
        let pause = self.random.between(5_000, 90_000);
        self.next_start += TimeDelta::milliseconds(i64::from(pause));
        let guild = self.community.pick_guild(&mut random);
        Some(match self.mode {
            GeneratedMode::TwoPlayer => two_player::play(random, guild, start),
            GeneratedMode::Knockout => knockout::play(random, guild, start),
            GeneratedMode::Race => race::play(random, guild, start),
            GeneratedMode::GolfRace => race::play_golf(random, guild, start),
            GeneratedMode::Longform => longform::play(random, guild, start),
        })
    }
}

/// The streams of the people who play the games of this seed: for each Discord server its
/// configuration, for each team how it was formed, for each player the registration and what
/// followed. Everything in them happened in the 60 days before `start`, so they can be appended
/// before the games that start then. The same seed and start give the same streams to the last
/// byte.
#[must_use]
pub fn community_streams(seed: u64, start: DateTime<Utc>) -> Vec<StreamScript> {
    let mut random = Random::new(seed);
    let community = Community::new(&mut random);
    streams::write(&community, random.fork_for(COMMUNITY_PURPOSE), start)
}

/// Keeps the ids of the community's streams apart from those of the games, whose purposes are the
/// numbers of the modes.
const COMMUNITY_PURPOSE: u64 = 1_000;
