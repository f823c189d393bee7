//! What happens in a race besides its rounds.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    PlayerStats,
    base::game_event,
    keyed::{self, keyed_by},
    shape::{Amount, Id, MapOf, OrNull, Timestamp, Whole},
    text_enum::text_enum,
};

game_event! {
    /// The clock of a race passed a mark at which the players are warned.
    pub struct RaceTimeWarning {
        /// The seconds that are left, at least 1 and less than the time limit.
        #[schemars(with = "Whole<1>")]
        pub remaining_seconds: i32,
        /// The points of each team.
        #[schemars(with = "MapOf<TeamStanding>")]
        #[serde(with = "keyed")]
        pub standings: Vec<TeamStanding>,
    }
}

game_event! {
    /// The time of a race is up: no further attempt counts, and open rounds end without result.
    pub struct RaceModeTimeExpired {
        /// What each team had reached, for all teams of the game.
        #[schemars(with = "MapOf<RaceResult>")]
        #[serde(with = "keyed")]
        pub final_matches: Vec<RaceResult>,
        /// Whole seconds since the start of the game; at least the time limit.
        #[schemars(with = "Whole<0>")]
        pub game_duration: i32,
    }
}

game_event! {
    /// A team got points for a match, or lost one for giving up. It comes after the attempt that
    /// it scores, with at most the events of other teams between.
    pub struct GolfRacePointsAwarded {
        /// The team.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The attempts that the team used, from 1.
        #[schemars(with = "Whole<1>")]
        pub guess_count: i32,
        /// For a match 4 points after 1 attempt, 3 after up to 4, 2 after up to 7, 1 after up to
        /// 10, then none; −1 for giving up.
        #[schemars(with = "Whole<{ -1 }, 4>")]
        pub points: i32,
        /// What the points are for. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "pointsReason"))]
        pub reason: PointsReason,
        /// The team's points after that.
        #[schemars(with = "Whole")]
        pub total_points: i32,
    }
}

text_enum! {
    /// What points of a golf race are for.
    pub enum PointsReason {
        /// The team's words matched.
        Match = "match",
        /// The team gave its chain of words up.
        GiveUp = "give_up",
    }
}

/// The points of a team during a race.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[serde(transparent)]
pub struct TeamStanding {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The team's points.
    #[schemars(with = "Whole")]
    pub score: i32,
}

/// What a team had reached when the time of a race was up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct RaceResult {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The rounds that the team solved.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    #[schemars(with = "Amount")]
    pub average_guesses: f64,
    /// When the team solved its last round. Null when it never solved one.
    #[schemars(with = "OrNull<Timestamp>")]
    pub last_match_timestamp: Option<DateTime<Utc>>,
    /// The numbers of the team's two players.
    #[schemars(with = "MapOf<PlayerStats>")]
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

keyed_by!(TeamStanding, team_id);
keyed_by!(RaceResult, team_id);
