//! Taking everything derived away, for a log that begins anew.

use std::io::ErrorKind;
use std::path::Path;

use sea_orm::ConnectionTrait;

use super::tables::SCHEMA;
use crate::store::{Database, DatabaseError};

/// Why projections could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The database is away, or refused.
    #[error("the projections cannot be deleted: {0}")]
    Database(String),
    /// The system refused to delete a file.
    #[error("the file {path} of the projections cannot be deleted: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Deletes the projections that lie in `database`: of SQLite its file, which nobody else may have open, of
/// PostgreSQL their schema. There may be none.
pub async fn erase(database: &Database) -> Result<(), EraseError> {
    if let Some(file) = database.file() {
        return erase_file(file);
    }
    let writer = database.writer();
    let erased = async {
        let transaction = database.begin(&writer).await?;
        let drop = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
        transaction.execute_unprepared(&drop).await?;
        transaction.commit().await?;
        Ok::<_, DatabaseError>(())
    };
    let erased = erased.await;
    let _ = writer.close().await;
    erased.map_err(|error| EraseError::Database(error.to_string()))
}

/// Deletes a file of SQLite, with what SQLite keeps beside it.
fn erase_file(file: &Path) -> Result<(), EraseError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                let path = path.to_string_lossy().into_owned();
                return Err(EraseError::File { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}
