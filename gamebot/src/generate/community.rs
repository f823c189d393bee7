//! The people who play the generated games.

use super::{random::Random, words::WORDS};

const GUILDS: usize = 8;
const TEAMS_PER_GUILD: usize = 24;

/// Some Discord servers and their teams.
#[derive(Clone, Debug)]
pub(super) struct Community {
    pub(super) guilds: Vec<Guild>,
}

/// A Discord server.
#[derive(Clone, Debug)]
pub(super) struct Guild {
    pub(super) id: String,
    /// The channel in which games are started.
    pub(super) channel_id: String,
    /// Its teams; every player is in exactly one of them.
    pub(super) teams: Vec<Team>,
}

/// Two players who play together.
#[derive(Clone, Debug)]
pub(super) struct Team {
    /// The ids of the players in numeric order, joined by an underscore.
    pub(super) id: String,
    pub(super) players: [Player; 2],
}

/// A Discord user.
#[derive(Clone, Debug)]
pub(super) struct Player {
    pub(super) id: String,
    /// The channel of the direct messages between the player and the bot.
    pub(super) channel_id: String,
}

impl Community {
    pub(super) fn new(random: &mut Random) -> Self {
        let guilds = (0..GUILDS).map(|_| Guild::new(random)).collect();
        Self { guilds }
    }

    pub(super) fn pick_guild(&self, random: &mut Random) -> &Guild {
        &self.guilds[random.index(self.guilds.len())]
    }
}

impl Guild {
    fn new(random: &mut Random) -> Self {
        Self {
            id: random.old_snowflake().to_string(),
            channel_id: random.old_snowflake().to_string(),
            teams: (0..TEAMS_PER_GUILD).map(|_| Team::new(random)).collect(),
        }
    }

    /// Different teams in random order; `count` must not exceed the number of teams.
    pub(super) fn pick_teams(&self, random: &mut Random, count: usize) -> Vec<Team> {
        let indices = random.indices(self.teams.len(), count);
        indices
            .into_iter()
            .map(|index| self.teams[index].clone())
            .collect()
    }
}

impl Team {
    fn new(random: &mut Random) -> Self {
        let mut ids = [random.old_snowflake(), random.old_snowflake()];
        ids.sort_unstable();
        let players = ids.map(|id| Player {
            id: id.to_string(),
            channel_id: random.old_snowflake().to_string(),
        });
        Self {
            id: format!("{}_{}", players[0].id, players[1].id),
            players,
        }
    }
}

impl Player {
    /// The name of the player on Discord; it depends on nothing but the id.
    pub(super) fn username(&self) -> String {
        let digits = self.id.bytes().map(|digit| usize::from(digit - b'0'));
        let number = digits.fold(0_usize, |number, digit| (number * 10 + digit) % 1_000_003);
        let (first, second) = (number % WORDS.len(), number / WORDS.len() % WORDS.len());
        format!("{}_{}", WORDS[first], WORDS[second])
    }
}
