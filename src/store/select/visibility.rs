//! What is hidden from readers, and why (rule L5): by a deletion, a tombstone or the stream's retention.

use entity::event;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};

use super::col;
use crate::store::row::{DELETED, RETENTION, TOMBSTONED};

/// Milliseconds since 1970, by the database's clock.
pub(crate) fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        _ => "(extract(epoch FROM statement_timestamp()) * 1000)::bigint",
    }
}

/// Why an event is hidden, as a number; 0 = it is shown. One look-up by the key of its stream.
///
/// A scalar sub-select and not a join: no planner may get the idea to walk the streams first.
pub(in crate::store) fn removal(backend: DbBackend) -> Expr {
    let now = now(backend);
    Expr::cust(format!(
        r#"(SELECT CASE WHEN "life"."status" = 3 THEN {TOMBSTONED}
                WHEN "events"."stream_version" <= "life"."deleted_through" THEN {DELETED}
                WHEN "events"."stream_version" <= "life"."hidden_through"
                    OR "events"."recorded_at" <= {now} - "life"."max_age_ms" THEN {RETENTION}
                ELSE 0 END
            FROM "streams" AS "life" WHERE "life"."id" = "events"."stream_id")"#
    ))
}

/// The removal of an event that a condition has found to be shown.
pub(in crate::store) fn shown() -> Expr {
    Expr::val(0)
}

/// The events of any stream that are shown.
///
/// Written as "is not hidden": PostgreSQL takes nearly every row for unequal to a number that it cannot know,
/// and hardly one for equal, and would then rather sort the whole log than walk an index up to the limit.
pub(super) fn is_shown(backend: DbBackend) -> Expr {
    let now = now(backend);
    Expr::cust(format!(
        r#"(SELECT CASE WHEN "life"."status" = 3
                    OR "events"."stream_version" <= "life"."hidden_through"
                    OR "events"."recorded_at" <= {now} - "life"."max_age_ms" THEN 1
                ELSE 0 END
            FROM "streams" AS "life" WHERE "life"."id" = "events"."stream_id") <> 1"#
    ))
}

/// The events of one stream that are shown: a range of its index, whose end is looked up once.
pub(super) fn is_shown_in(backend: DbBackend, stream_id: i64) -> Condition {
    let now = now(backend);
    let hidden_through =
        format!(r#"(SELECT "hidden_through" FROM "streams" WHERE "id" = {stream_id})"#);
    let too_old = format!(
        r#"coalesce((SELECT {now} - "max_age_ms" FROM "streams" WHERE "id" = {stream_id}), -1)"#
    );
    Condition::all()
        .add(col(event::Column::StreamVersion).gt(Expr::cust(hidden_through)))
        .add(col(event::Column::RecordedAt).gt(Expr::cust(too_old)))
}
