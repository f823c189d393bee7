//! Some nodes on one database, to which clients find their way as through a load balancer.

use testkit::{GraphqlClient, ServerProcess, ServerProcessBuilder};
use tokio::sync::watch;

/// Where each node is; none while it is down.
pub(super) type Addresses = Vec<Option<String>>;

/// Server processes on one database.
pub(super) struct Cluster {
    nodes: Vec<ServerProcess>,
    addresses: watch::Sender<Addresses>,
}

impl Cluster {
    /// Starts so many nodes.
    pub(super) async fn start(count: usize, prepare: impl Fn() -> ServerProcessBuilder) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(prepare().start().await);
        }
        let addresses = nodes.iter().map(|node| Some(node.base_url())).collect();
        Self {
            nodes,
            addresses: watch::Sender::new(addresses),
        }
    }

    /// Where the nodes are, now and later.
    pub(super) fn addresses(&self) -> watch::Receiver<Addresses> {
        self.addresses.subscribe()
    }

    /// A client of one node.
    pub(super) fn client(&self, node: usize) -> GraphqlClient {
        GraphqlClient::new(&self.nodes[node].base_url())
    }

    /// Kills a node without a warning.
    pub(super) fn kill(&mut self, node: usize) {
        self.addresses
            .send_modify(|addresses| addresses[node] = None);
        self.nodes[node].kill();
    }

    /// Starts a node that was killed, at another address.
    pub(super) async fn start_again(&mut self, node: usize) {
        self.nodes[node].start_again().await;
        let address = Some(self.nodes[node].base_url());
        self.addresses
            .send_modify(|addresses| addresses[node] = address);
    }
}

/// Waits for a node to be there, and says where it is.
pub(super) async fn address_of(addresses: &mut watch::Receiver<Addresses>, node: usize) -> String {
    let there = addresses.wait_for(|addresses| addresses[node].is_some());
    let addresses = there.await.unwrap();
    addresses[node].clone().unwrap()
}
