//! What a failed statement means.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// The database is away, or too slow: the same statement may succeed later.
    #[error("the database is away: {0}")]
    Unavailable(String),
    /// The statement took too long; the database itself may be well.
    #[error("the database was too slow: {0}")]
    TooSlow(String),
    /// The database refused the statement.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

impl From<DbErr> for DatabaseError {
    fn from(error: DbErr) -> Self {
        match code_of(&error).as_deref() {
            // PostgreSQL cancelled the statement: it ran for as long as it may.
            Some("57014") => Self::TooSlow(error.to_string()),
            _ if is_away(&error) => Self::Unavailable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// What the database itself calls the error.
fn code_of(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error()?.code().map(Into::into)
        }
        _ => None,
    }
}

/// Whether an error says that the database is away rather than that it refused.
fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(sqlx)) | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => {
            match &**sqlx {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                _ => code_of(error).is_some_and(|code| is_away_code(&code)),
            }
        }
        _ => false,
    }
}

/// PostgreSQL: classes 08 (connection), 53 (no room, no memory, too many connections), 57P (shutting down,
/// starting up) and 58 (system error), and 25P03 (idle in a transaction for too long), 25006 (a standby),
/// 40001 and 40P01 (try again), 55P03 (a lock is taken). SQLite: 5 busy, 6 locked, 10 I/O, 13 full, each with
/// its extended codes.
fn is_away_code(code: &str) -> bool {
    let sqlite = code
        .parse::<u32>()
        .is_ok_and(|number| code.len() < 5 && [5, 6, 10, 13].contains(&(number & 0xff)));
    ["08", "53", "57P", "58"]
        .iter()
        .any(|class| code.starts_with(class) && code.len() == 5)
        || ["25P03", "25006", "40001", "40P01", "55P03"].contains(&code)
        || sqlite
}
