//! Games, as what their events come to.

/// What becomes of an append that breaks a rule of its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Nobody looks.
    Off,
    /// The events are stored, and the answer tells what they break.
    Warn,
    /// An event that breaks an error rule is refused, and its whole request with it.
    Refuse,
}
