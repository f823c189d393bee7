//! Teams, players, what guilds have set, and what was observed: each read model after each event that feeds
//! it, and what must not change an answer.

mod budget;
mod door;
mod faults;
mod guilds;
mod life;
mod observations;
mod players;
mod rebuild;
mod restart;
mod scopes;
mod story;
mod teams;
