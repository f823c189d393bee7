//! Feeds: every event that is wanted, once and in order, whatever happens to the client, the server or the
//! database meanwhile.

pub(crate) mod feed;
pub(crate) mod in_process;
mod live;
pub(crate) mod writer;

mod crowd;
mod database_away;
mod ending;
mod ending_refused;
mod filters;
mod giving_up;
mod killed;
mod listing;
mod listing_pages;
mod model;
mod shutdown;
mod socket_limit;
mod stalled_client;
mod starts;
mod tail;
mod two_nodes;
