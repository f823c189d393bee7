//! The consistency rules by name.

use serde::{Deserialize, Serialize};

/// How bad it is when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[cfg_attr(feature = "graphql", graphql(name = "RuleSeverity"))]
pub enum Severity {
    /// The state cannot be trusted any more; an append that does this is refused where the domain
    /// is validated.
    Error,
    /// Worth knowing, but the state is right.
    Warning,
}

/// Defines the rules with everything that is said of each.
macro_rules! rules {
    ($($rule:ident $severity:ident $title:literal,)+) => {
        /// A consistency rule of the stream of a game. The names are stable.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
        )]
        pub enum Rule {
            $(
                #[doc = $title]
                $rule,
            )+
        }

        impl Rule {
            /// All rules, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)+];

            /// The name of the rule, for example `R04`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => stringify!($rule),)+
                }
            }

            /// What the rule demands, in one sentence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$rule => $title,)+
                }
            }

            /// How bad a breach is, unless the violation says otherwise: a cause that is merely
            /// unknown is a warning although `R35` is an error.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$rule => Severity::$severity,)+
                }
            }
        }
    };
}

rules! {
    R01 Error "The stream has at least one event.",
    R02 Error "The first event is `game_started`, or `game_created` followed only by lobby events up to `game_started`.",
    R03 Error "There is exactly one `game_started`.",
    R04 Error "Stream versions rise by one, without a gap, a duplicate or a step back.",
    R05 Error "Timestamps do not decrease along the stream.",
    R06 Error "The game id is that of the stream in every event.",
    R07 Error "The guild id is the same in every event, or absent from every event.",
    R08 Error "The mode is constant from `game_started` on.",
    R09 Error "The event's type and schema version are known, and the type belongs to the stream of a game.",
    R10 Error "The data satisfies the event's schema.",
    R11 Error "`game_started` has round number 1, lists the same teams and the same players twice, no player in two teams, and began at or before its timestamp.",
    R12 Error "A team has two players, and the number of teams fits the mode.",
    R13 Error "Round numbers start at 1 and rise by one: per game in shared rounds, per team in the race modes.",
    R14 Error "A round starts while none is open, and is restarted only after the team gave up.",
    R15 Error "A round starts for exactly the live teams, or for exactly one team in later rounds of the race modes.",
    R16 Error "Every event inside a round carries its number, and events of a whole race the highest of any team.",
    R17 Error "A round is closed exactly once, by the closing event of the mode, whose winner has solved it.",
    R18 Error "Guess events occur only inside an open round.",
    R19 Error "The team exists and is live.",
    R20 Error "The players of an event are different, belong to the team, and are in the game.",
    R21 Error "A team makes no attempt in a round that it has already solved.",
    R22 Error "The counters of an attempt are the previous ones of the team plus one, and its durations agree and do not shrink within a round.",
    R23 Error "The match score is present if and only if the guess was successful, and is at least 1 except in mode `golf_race`.",
    R24 Error "Equal words are a successful guess.",
    R25 Error "A knockout team makes at most `max_guesses` attempts in a round, and is eliminated next after failing the last one.",
    R26 Warning "A word is neither forbidden for the player nor one of the team's current words.",
    R27 Error "A team is eliminated while it is live and not the last live team, for a reason that fits the mode.",
    R28 Error "Numbers that an event repeats equal the folded ones, and an evaluation happens once.",
    R29 Error "A game is paused only while it is ready or in a round and resumed only while it is paused, and the paused duration fits the timestamps.",
    R30 Error "While the game is paused there are only a resumption, an abort and the presence of players.",
    R31 Error "In the race modes the time is up once, not before the limit, and no guess, no points and no round follow.",
    R32 Error "A game is completed after a round, in the race modes after the time was up and in mode `two_player` after its evaluation, and archived after its end.",
    R33 Error "The result of a completed game follows from its events.",
    R34 Error "After the end of the game there is nothing but one `game_archived` and observations.",
    R35 Error "A cause that is an event is at a lower position.",
    R36 Warning "The correlation id is present and stays the same.",
    R37 Error "An event id occurs once in a stream.",
    R38 Error "The stream has at most 10,000 events.",
}
