//! The frozen history of the tables. A released migration never changes; a new need is a new migration.
//!
//! This crate imports neither `entity` nor the server: a migration written today must still mean the same
//! when the rows that it made have long got other names.

pub use sea_orm_migration::prelude::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m0001_log;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_log::Migration)]
    }
}
