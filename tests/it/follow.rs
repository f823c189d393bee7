//! Feeds: every event that is wanted, once and in order, whatever happens to the client, the server or the
//! database meanwhile.

pub(crate) mod feed;
pub(crate) mod in_process;
pub(crate) mod writer;

mod crowd;
mod database_away;
mod filters;
mod giving_up;
mod killed;
mod model;
mod shutdown;
mod socket_limit;
mod stalled_client;
mod starts;
mod tail;
mod two_nodes;
