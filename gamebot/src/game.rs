//! The state of a game as a pure fold over its stream, the consistency rules R01 to R38, and the
//! recovery of a session from a stream that may be damaged.
//!
//! [`GameState::apply`] folds one event into the state and never refuses one. [`check()`] says which
//! rules an event breaks, given the state before it. [`Recoverer`] puts the two together for a whole
//! stream as it is stored: it decodes, it notices gaps, duplicates and causes that come too late,
//! and it goes on after every fault.
//!
//! | File | What it holds |
//! |---|---|
//! | `state`, `settings` | what is known of a game, its teams, its players and its configuration |
//! | `fold` | what each event changes |
//! | `rule`, `violation` | the rules by name, and what is said when one is broken |
//! | `check` | the rules that hold in every mode |
//! | `mode` | the rules of each mode, one file per mode, behind one trait |
//! | `verify` | whether a state makes sense in itself |
//! | `recover` | a whole stream at once |

mod check;
mod fold;
mod mode;
mod recover;
mod rule;
mod settings;
mod state;
mod verify;
mod violation;

pub use check::check;
pub use recover::{CausePlace, Recoverer, Recovery, StoredEvent};
pub use rule::{Rule, Severity};
pub use state::{
    Elimination, Envelope, Evaluation, FinalScore, GameResult, GameState, MatchEntry, Pause,
    PendingGuess, Phase, Player, PointsDue, STATE_VERSION, Settings, StateWarning, Team,
    TeamPlayer,
};
pub use verify::verify;
pub use violation::Violation;
