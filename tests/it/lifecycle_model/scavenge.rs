//! Removes the payloads of what is hidden.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use crate::support::World;

/// Does what a scavenge does, past the store.
#[derive(Clone)]
pub(super) struct Scavenger(DatabaseConnection);

impl Scavenger {
    /// A connection beside the store's own.
    pub(super) async fn new(world: &World) -> Self {
        let url = format!("{}{}", world.database_url(), create(world));
        Self(Database::connect(url).await.unwrap())
    }

    /// Removes payload, metadata and salt of all events that are hidden, in one transaction, under the permit
    /// that the triggers ask for.
    pub(super) async fn scavenge(&self) {
        let sql = "BEGIN;
            INSERT INTO removal_permits (id) VALUES (1);
            UPDATE events SET data = NULL, metadata = NULL, salt = NULL
             WHERE data IS NOT NULL AND EXISTS (
                SELECT 1 FROM streams WHERE streams.id = events.stream_id
                   AND (streams.status = 3 OR events.stream_version <= streams.hidden_through));
            DELETE FROM removal_permits;
            COMMIT";
        self.0.execute_unprepared(sql).await.unwrap();
    }
}

/// A SQLite file does not exist before its first connection.
fn create(world: &World) -> &'static str {
    if world.is_sqlite() { "?mode=rwc" } else { "" }
}
