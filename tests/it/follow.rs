//! Feeds: every event that is wanted, once and in order, whatever happens to the client, the server or the
//! database meanwhile.

mod feed;
mod writer;

mod filters;
mod model;
mod starts;
mod tail;
