//! Following an operation: its row is looked at again and again, so that any node can tell of it.

use futures_util::Stream;
use futures_util::stream::unfold;

use super::Operation;
use crate::scope::Scope;
use crate::store::EventStore;

impl EventStore {
    /// Follows an operation: as it is here, then each change, until it has ended.
    ///
    /// A read that fails ends nothing: the next one may succeed.
    pub fn watch_operation(
        &self,
        scope: Scope,
        operation: Operation,
    ) -> impl Stream<Item = Operation> + Send + use<> {
        let watcher = Watcher {
            store: self.clone(),
            scope,
            seen: operation,
            is_told: false,
        };
        unfold(watcher, |mut watcher| async move {
            let operation = watcher.next().await?;
            Some((operation, watcher))
        })
    }
}

struct Watcher {
    store: EventStore,
    scope: Scope,
    seen: Operation,
    is_told: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Operation> {
        if !std::mem::replace(&mut self.is_told, true) {
            return Some(self.seen.clone());
        }
        if self.seen.state.is_final() {
            return None;
        }
        loop {
            tokio::time::sleep(self.store.options().operations.watch).await;
            match self.store.operation(&self.scope, self.seen.id).await {
                Ok(Some(found)) if !found.looks_like(&self.seen) => {
                    self.seen = found;
                    return Some(self.seen.clone());
                }
                // It can no longer be seen.
                Ok(None) => return None,
                Ok(Some(_)) | Err(_) => {}
            }
        }
    }
}
