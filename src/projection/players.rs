//! Placeholder.
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::kind::Projector;
use super::tables::{Layout, Target};
use crate::event::RecordedEvent;
use crate::store::DatabaseError;

pub(super) static LAYOUT: Layout = Layout {
    tables: &[],
    creations: &[],
    indexes: &[],
};

#[derive(Default)]
pub(super) struct Players;

impl Projector for Players {
    fn apply<'a>(
        &'a mut self,
        _events: &'a [Arc<RecordedEvent>],
        _target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async { Ok(()) })
    }

    fn forget(&mut self) {}
}
