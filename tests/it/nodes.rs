//! Several nodes on one PostgreSQL: an append on any of them reaches the subscribers of every one, whatever
//! happens to nodes, notifications and connections meanwhile (rules O3 and S7).

mod cluster;
mod comings_and_goings;
mod crowd;
mod listening;
mod pooler;
mod subscriber;
mod tiny_hubs;
mod traffic;
