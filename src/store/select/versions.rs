//! A range of positions as a range of one stream's versions, which is what the index of a stream holds.

use entity::event;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Func, Query, SimpleExpr};

use super::{Page, col};
use crate::position::Position;

/// The versions of one stream that lie in the page's range of positions: the bounds are looked up, since
/// the index of the stream is by version.
pub(super) fn within(page: &Page<'_>, stream_id: i64) -> Condition {
    let mut all = Condition::all();
    if page.after > Position::ORIGIN {
        let last = version_at(stream_id, page.after);
        all = all.add(col(event::Column::StreamVersion).gt(last));
    }
    // Positions beyond the head that the page is read at may have been committed meanwhile.
    let last = version_before(stream_id, page.through.next());
    all = all.add(col(event::Column::StreamVersion).lte(last));
    all.add_option(
        page.versions
            .from
            .map(|from| col(event::Column::StreamVersion).gte(from)),
    )
    .add_option(
        page.versions
            .through
            .map(|last| col(event::Column::StreamVersion).lte(last)),
    )
}

/// The stream's greatest version at or before a position: of that very event in the usual case, where the
/// position came from an event of this stream; else of the last one before it.
fn version_at(stream_id: i64, position: Position) -> SimpleExpr {
    let exact = version_exactly_at(stream_id, position);
    greatest(exact, last_version_through(stream_id, position))
}

/// The stream's greatest version before a position, in the same way.
fn version_before(stream_id: i64, position: Position) -> SimpleExpr {
    let exact = version_exactly_at(stream_id, position).sub(1);
    greatest(exact, last_version_through(stream_id, position.previous()))
}

fn greatest(exact: SimpleExpr, earlier: SimpleExpr) -> SimpleExpr {
    Func::coalesce([exact, earlier, Expr::val(0)]).into()
}

fn version_exactly_at(stream_id: i64, position: Position) -> SimpleExpr {
    let exact = Query::select()
        .column(event::Column::StreamVersion)
        .from_as(event::Entity, Alias::new("there"))
        .and_where(Expr::col((Alias::new("there"), event::Column::Position)).eq(position.get()))
        .and_where(Expr::col((Alias::new("there"), event::Column::StreamId)).eq(stream_id))
        .to_owned();
    Expr::SubQuery(None, Box::new(exact.into()))
}

fn last_version_through(stream_id: i64, position: Position) -> SimpleExpr {
    let last = Query::select()
        .expr(Expr::col((Alias::new("earlier"), event::Column::StreamVersion)).max())
        .from_as(event::Entity, Alias::new("earlier"))
        .and_where(Expr::col((Alias::new("earlier"), event::Column::StreamId)).eq(stream_id))
        .and_where(Expr::col((Alias::new("earlier"), event::Column::Position)).lte(position.get()))
        .to_owned();
    Expr::SubQuery(None, Box::new(last.into()))
}
