//! A server over the transport's own test schema, for the tests of this room.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Options, ReadinessCheck, Server};
use crate::graphql::test_schema;

/// A server on a port of its own.
pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    server: Server,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

pub(super) fn server(options: Options) -> Server {
    Server::new(
        test_schema::api(),
        options,
        ReadinessCheck::new(|| async { Vec::new() }),
    )
}

impl TestServer {
    pub(super) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = server(options);
        let serving = server.clone();
        let task = tokio::spawn(async move {
            serving
                .serve(listener, async { stopped.await.unwrap_or_default() })
                .await
        });
        Self {
            address,
            server,
            stop: Some(stop),
            task,
        }
    }

    /// Waits until no WebSocket and no operation is left.
    pub(super) async fn idle(&self) {
        // The listener's own wait for the shutdown is the one that stays.
        let idle = async {
            while self.server.inner.phase.receiver_count() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle)
            .await
            .unwrap();
    }

    pub(super) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end of the server.
    pub(super) async fn ended(self) {
        let ended = tokio::time::timeout(Duration::from_secs(10), self.task);
        ended.await.unwrap().unwrap().unwrap();
    }
}
