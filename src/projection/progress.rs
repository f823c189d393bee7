//! How far the active builds are that this node works at: who waits for a position is woken by it.

use tokio::sync::watch;

use super::kind::ProjectionKind;
use crate::position::Position;

#[derive(Default)]
pub(super) struct Progress([watch::Sender<Position>; ProjectionKind::ALL.len()]);

impl Progress {
    /// The active build of this kind has reached a position. A build that has begun anew says less than was
    /// said before; those who wait look for themselves.
    pub(super) fn reached(&self, kind: ProjectionKind, position: Position) {
        self.0[kind as usize].send_replace(position);
    }

    pub(super) fn subscribe(&self, kind: ProjectionKind) -> watch::Receiver<Position> {
        self.0[kind as usize].subscribe()
    }
}
