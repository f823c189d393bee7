//! The schema version in which a reader wants events.

use async_graphql::{Enum, OneofObject, Result};

use super::error_code::ErrorCode;

/// In which schema version events are shown: exactly one of the two. Without it they are shown in the newest.
#[derive(OneofObject, Clone, Copy, Debug)]
#[graphql(name = "SchemaChoice")]
pub(super) enum SchemaChoiceInput {
    /// As they were stored, or in the newest version of their type.
    Form(SchemaForm),
    /// In this version, from 1. An event that cannot be brought into it says so in its `decodeError`; the
    /// others are not affected.
    Version(i32),
}

/// One of the two versions that every event has.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SchemaForm {
    /// Exactly as the event was appended.
    Stored,
    /// The newest version of the event's type.
    Newest,
}

/// A choice that can be carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SchemaChoice {
    Stored,
    #[default]
    Newest,
    Version(i32),
}

impl SchemaChoice {
    /// The choice of an argument.
    pub(super) fn parse(input: Option<SchemaChoiceInput>) -> Result<Self> {
        match input {
            None | Some(SchemaChoiceInput::Form(SchemaForm::Newest)) => Ok(Self::Newest),
            Some(SchemaChoiceInput::Form(SchemaForm::Stored)) => Ok(Self::Stored),
            Some(SchemaChoiceInput::Version(version)) if version >= 1 => Ok(Self::Version(version)),
            Some(SchemaChoiceInput::Version(version)) => Err(ErrorCode::InvalidArgument.error(
                format!("`version` of the schema is {version}. Schema versions begin at 1."),
            )),
        }
    }
}
