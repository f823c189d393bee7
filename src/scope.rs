//! What a caller may see.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The part of the log that a caller may see; every read, count and follow takes one (rule R7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything.
    All,
    /// The streams of some guilds.
    Guilds {
        /// The guilds.
        guild_ids: BTreeSet<Arc<str>>,
        /// Whether streams without a guild are included.
        include_without_guild: bool,
    },
}

impl Scope {
    /// Whether something of this guild (`None` = of no guild) may be seen.
    #[must_use]
    pub fn allows(&self, guild_id: Option<&str>) -> bool {
        match (self, guild_id) {
            (Self::All, _) => true,
            (Self::Guilds { guild_ids, .. }, Some(guild_id)) => guild_ids.contains(guild_id),
            (
                Self::Guilds {
                    include_without_guild,
                    ..
                },
                None,
            ) => *include_without_guild,
        }
    }
}
