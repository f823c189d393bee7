//! How a session was rebuilt from its stream. None of it changes the state of a game.

use super::{
    base::observation,
    shape::{Id, Whole},
    text_enum::text_enum,
};

observation! {
    /// A session is being rebuilt from its stream.
    pub struct SessionRecoveryStarted {
        /// What made it necessary.
        pub trigger: RecoveryTrigger,
        /// The number of the attempt, from 1.
        #[schemars(with = "Whole<1>")]
        pub attempt: i32,
        /// The first stream version that is read.
        #[schemars(with = "Whole<0>")]
        pub from_version: i32,
        /// The stream version of the snapshot that is used. Null without a snapshot.
        #[schemars(with = "Option<Whole<0>>")]
        pub snapshot_version: Option<i32>,
    }
}

observation! {
    /// A session was rebuilt.
    pub struct SessionRecovered {
        /// The number of the attempt, from 1.
        #[schemars(with = "Whole<1>")]
        pub attempt: i32,
        /// The stream version of the rebuilt state.
        #[schemars(with = "Whole<0>")]
        pub last_version: i32,
        /// The number of events that were read for it.
        #[schemars(with = "Whole<0>")]
        pub events_applied: i32,
        /// How long it took, in milliseconds.
        #[schemars(with = "Whole<0>")]
        pub duration_ms: i32,
        /// The ids of the rules of the game that some event broke without harm; may be empty.
        pub warnings: Vec<String>,
    }
}

observation! {
    /// The rebuilding of a session was given up.
    pub struct SessionRecoveryFailed {
        /// The number of the attempt, from 1.
        #[schemars(with = "Whole<1>")]
        pub attempt: i32,
        /// The code of the error.
        pub error_code: String,
        /// The stream version of the event at which it failed. Null when it was not an event's
        /// fault.
        #[schemars(with = "Option<Whole<0>>")]
        pub failed_at_version: Option<i32>,
        /// The number of events that were read before.
        #[schemars(with = "Whole<0>")]
        pub events_applied: i32,
        /// Whether another attempt can succeed.
        pub retriable: bool,
        /// What can be done about it. Null when nothing is known.
        pub recovery_hint: Option<String>,
    }
}

observation! {
    /// A stored event could not be used and was set aside. What is stored stays as it is.
    pub struct EventQuarantined {
        /// The name of the event's stream.
        #[schemars(with = "Id")]
        pub stream_id: String,
        /// The event's version in that stream.
        #[schemars(with = "Whole<0>")]
        pub version: i32,
        /// Why it could not be used. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "quarantineReason"))]
        pub reason: QuarantineReason,
        /// More about it. Null when there is no more to say.
        pub detail: Option<String>,
    }
}

text_enum! {
    /// What made the rebuilding of a session necessary.
    pub enum RecoveryTrigger {
        /// The session crashed.
        Crash = "crash",
        /// The bot was started again.
        Restart = "restart",
        /// Another node took over.
        Failover = "failover",
        /// Somebody asked for it.
        Manual = "manual",
    }
}

text_enum! {
    /// Why a stored event could not be used.
    pub enum QuarantineReason {
        /// Its data is not JSON.
        UndecodableJson = "undecodable_json",
        /// Its type is not known.
        UnknownType = "unknown_type",
        /// There is no way from its schema version to a known one.
        UnsupportedVersion = "unsupported_version",
        /// Its data does not have the shape of its type.
        SchemaViolation = "schema_violation",
        /// It cannot stand where it stands.
        OrderViolation = "order_violation",
        /// It is not what was stored.
        ChecksumMismatch = "checksum_mismatch",
    }
}
