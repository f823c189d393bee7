//! Teams and players, as several event types describe them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    keyed::{Keyed, keyed_by},
    shape::{Amount, Id, Inline, List, Pair, Set, Whole},
    text_enum::text_enum,
};

/// The state of a team at the start of a round.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct TeamState {
    /// The team's id.
    #[schemars(with = "Id")]
    pub team_id: String,
    /// The Discord user ids of the players who can guess; some or all of the team's roster.
    #[schemars(with = "Set<Id>")]
    pub active_players: Vec<String>,
    /// The Discord user ids of the players who cannot; normally empty.
    #[schemars(with = "Set<Id>")]
    pub eliminated_players: Vec<String>,
    /// The team's points so far. Only in mode `golf_race` it can be negative.
    #[schemars(with = "Whole")]
    pub score: i32,
    /// The rounds that the team has solved so far.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team so far, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// Attempts per match so far, rounded to 4 decimals; 0 without a match. Null when the event
    /// does not mention it.
    #[schemars(with = "Option<Amount>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_guesses: Option<f64>,
    /// The attempts that the round allows. Null when there is no limit.
    #[schemars(with = "Option<Whole<0>>")]
    pub remaining_guesses: Option<i32>,
    /// The attempts made in the round, 0 at its start. Null when the event does not mention it.
    #[schemars(with = "Option<Whole<0>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guess_count: Option<i32>,
    /// The 2 words that the team has to link. Null when the event does not mention them.
    #[schemars(with = "Option<List<String, 2, 2>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_words: Option<Vec<String>>,
    /// What the team is doing. Null means GUESSING.
    #[schemars(with = "Option<Inline<TeamStatus>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TeamStatus>,
}

/// The team's id is in the value as well, so a value under another team's key is a fault: it could
/// not be said whose state it is.
impl Keyed for TeamState {
    fn key(&self) -> &str {
        &self.team_id
    }

    fn accept_key(&mut self, key: String) -> Result<(), String> {
        if self.team_id == key {
            Ok(())
        } else {
            Err(format!(
                "the team_id `{}` stands under the key `{key}`",
                self.team_id
            ))
        }
    }
}

text_enum! {
    /// What a team is doing.
    pub enum TeamStatus {
        /// Its round has not begun.
        Ready = "ready",
        /// Both words of the next attempt are missing.
        Guessing = "guessing",
        /// One word is in, the other is missing.
        Waiting = "waiting",
        /// It has solved the round.
        Matched = "matched",
        /// It is out of the game.
        Eliminated = "eliminated",
        /// Both of its players have left.
        Withdrawn = "withdrawn",
    }
}

/// The roster and the numbers of a team.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct TeamInfo {
    /// The team's id.
    #[schemars(with = "Id")]
    pub team_id: String,
    /// The Discord user ids of its 2 players.
    #[schemars(with = "Pair")]
    pub player_ids: Vec<String>,
    /// The team's points.
    #[schemars(with = "Whole")]
    pub score: i32,
    /// The rounds that the team has solved.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
}

/// The numbers of a player in one game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct PlayerStats {
    /// The player's Discord user id.
    #[serde(skip)]
    pub player_id: String,
    /// The finished attempts that the player took part in; abandoned ones do not count.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// How many of them were a match.
    #[schemars(with = "Whole<0>")]
    pub successful_matches: i32,
    /// The attempts that this player abandoned.
    #[schemars(with = "Whole<0>")]
    pub abandoned_guesses: i32,
    /// Finished attempts per match, rounded to 4 decimals; 0 without a match.
    #[schemars(with = "Amount")]
    pub average_guess_count: f64,
}

keyed_by!(PlayerStats, player_id);
