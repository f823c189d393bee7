//! One step from a schema version to a later one.

use super::patch::JsonPatch;

/// An upcaster of a built-in type: the data before to the data after, or why it cannot be done. Both are
/// JSON text.
pub type BuiltInUpcaster = fn(&str) -> Result<String, String>;

/// How the data of one version becomes that of a later one.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A function of this program.
    BuiltIn(BuiltInUpcaster),
    /// A JSON Patch that was registered.
    Patch(JsonPatch),
    /// The data fits the later version as it is.
    Compatible,
}

/// How an upcaster that is registered at run time is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewUpcaster {
    /// The text of a JSON Patch (RFC 6902).
    Patch(String),
    /// The data fits the later version as it is.
    Compatible,
}

/// What kind of step an upcaster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpcasterKind {
    /// A function of this program.
    BuiltIn,
    /// A JSON Patch.
    Patch,
    /// Nothing to do.
    Compatible,
}

impl Step {
    pub(super) fn parse(upcaster: &NewUpcaster) -> Result<Self, String> {
        match upcaster {
            NewUpcaster::Patch(text) => JsonPatch::parse(text).map(Self::Patch),
            NewUpcaster::Compatible => Ok(Self::Compatible),
        }
    }

    pub(super) fn kind(&self) -> UpcasterKind {
        match self {
            Self::BuiltIn(_) => UpcasterKind::BuiltIn,
            Self::Patch(_) => UpcasterKind::Patch,
            Self::Compatible => UpcasterKind::Compatible,
        }
    }

    /// Whether a registration of the one would be a repetition of the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Patch(one), Self::Patch(other)) => one.is_same(other),
            (Self::Compatible, Self::Compatible) => true,
            (Self::BuiltIn(_) | Self::Patch(_) | Self::Compatible, _) => false,
        }
    }

    /// The data after the step; `None` where it stays as it is.
    pub(super) fn apply(&self, data: &str) -> Result<Option<String>, String> {
        match self {
            Self::BuiltIn(function) => function(data).map(Some),
            Self::Patch(patch) => patch.apply(data).map(Some),
            Self::Compatible => Ok(None),
        }
    }
}
