//! The objects that clients see: values of the store in the words of the API.

pub(super) mod event;
pub(super) mod event_type;
pub(super) mod feed;
pub(super) mod game;
pub(super) mod guild;
pub(super) mod live_subscription;
pub(super) mod metadata;
pub(super) mod observation;
pub(super) mod operation;
pub(super) mod payload;
pub(super) mod played;
pub(super) mod player_profile;
pub(super) mod projection;
mod replay_steps;
pub(super) mod server;
mod shown;
pub(super) mod snapshot;
pub(super) mod statistics;
pub(super) mod stream;
pub(super) mod stream_metadata;
pub(super) mod team;
