//! Many writers and many subscribers, spread over nodes, of which one is killed on the way.

use serde_json::{Value, json};
use testkit::{ChaosProxy, PgBouncer, ProxyMode, ServerProcessBuilder};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::cluster::Cluster;
use super::subscriber::Subscriber;
use super::traffic::{CATEGORIES, Traffic, append_ends, read_log};
use crate::support::{World, prepare_at};

/// What happens.
struct Scenario {
    nodes: usize,
    subscribers: usize,
    traffic: Traffic,
}

const BIG: Traffic = Traffic {
    writers_per_node: 4,
    requests: 60,
};
const SMALL: Traffic = Traffic {
    writers_per_node: 2,
    requests: 40,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_subscribers_of_two_nodes_see_every_event_once_and_in_order() {
    let world = World::postgres().await;
    let scenario = Scenario {
        nodes: 2,
        subscribers: 100,
        traffic: BIG,
    };
    scenario.play(|| world.prepare()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_subscribers_of_three_nodes_see_every_event_once_and_in_order() {
    let world = World::postgres().await;
    let scenario = Scenario {
        nodes: 3,
        subscribers: 100,
        traffic: BIG,
    };
    scenario.play(|| world.prepare()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_notification_polling_delivers_every_event_once_and_in_order() {
    let world = World::postgres().await;
    let silence = ChaosProxy::start(world.authority()).await;
    silence.set_mode(ProxyMode::Stall).await;
    let listen_url = silence.url(world.database_url());
    let prepare = || {
        world
            .prepare()
            .environment("GAMEBOT_DATABASE_LISTEN_URL", &listen_url)
            .environment("GAMEBOT_TAIL_POLL_INTERVAL_MS", "50")
    };
    let scenario = Scenario {
        nodes: 2,
        subscribers: 20,
        traffic: SMALL,
    };
    scenario.play(prepare).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_transaction_pooler_every_event_comes_once_and_in_order() {
    let world = World::postgres().await;
    // Fewer connections than one node alone would take, so that each serves many transactions in turn.
    let pooler = PgBouncer::start(world.database_url(), 3).await;
    let prepare = || {
        prepare_at(&pooler.url(world.database_url()))
            .environment("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true")
            .environment("GAMEBOT_DATABASE_LISTEN_URL", world.database_url())
    };
    let scenario = Scenario {
        nodes: 2,
        subscribers: 20,
        traffic: SMALL,
    };
    scenario.play(prepare).await;
}

impl Scenario {
    async fn play(&self, prepare: impl Fn() -> ServerProcessBuilder) {
        let mut cluster = Cluster::start(self.nodes, prepare).await;
        let ends: [String; CATEGORIES.len()] =
            [Uuid::now_v7(), Uuid::now_v7()].map(|id| id.to_string());
        let mut subscribers = self.subscribe(&cluster, &ends).await;
        let answered = watch::Sender::new(0);
        let mut writers = self.traffic.start(&cluster, &answered);
        self.kill_one(&mut cluster, &answered).await;
        while let Some(writer) = writers.join_next().await {
            writer.unwrap();
        }
        append_ends(&cluster.client(0), &ends).await;

        let log = read_log(&cluster.client(self.nodes - 1)).await;
        assert!(log.len() > self.traffic.total(self.nodes));
        while let Some(subscriber) = subscribers.join_next().await {
            let (category, seen) = subscriber.unwrap();
            let wanted = log
                .iter()
                .filter(|(_, _, of)| category.is_none_or(|category| of == category))
                .map(|(position, id, _)| (*position, id.clone()));
            assert_eq!(seen, wanted.collect::<Vec<_>>(), "of {category:?}");
        }
    }

    /// Spreads subscribers over the nodes. A third of them follow one category only; every second one goes
    /// on at another node when its own is killed.
    async fn subscribe(
        &self,
        cluster: &Cluster,
        ends: &[String; CATEGORIES.len()],
    ) -> JoinSet<(Option<&'static str>, Vec<(i64, String)>)> {
        let mut subscribers = JoinSet::new();
        for number in 0..self.subscribers {
            let category = (number % 3 == 0).then(|| number % CATEGORIES.len());
            let filter = category.map_or(
                Value::Null,
                |category| json!({"categories": [CATEGORIES[category]]}),
            );
            let node = number % self.nodes;
            let moves_on = (number / self.nodes).is_multiple_of(2);
            let addresses = cluster.addresses();
            let subscriber = Subscriber::start(addresses, node, moves_on, filter).await;
            let last = ends[category.unwrap_or(CATEGORIES.len() - 1)].clone();
            subscribers.spawn(async move {
                let seen = subscriber.until(&last).await;
                (category.map(|category| CATEGORIES[category]), seen)
            });
        }
        subscribers
    }

    /// Kills the last node after a third of the appends, and starts it again after two thirds.
    async fn kill_one(&self, cluster: &mut Cluster, answered: &watch::Sender<usize>) {
        let mut progress = answered.subscribe();
        let total = self.traffic.total(self.nodes);
        progress
            .wait_for(|count| *count >= total / 3)
            .await
            .unwrap();
        cluster.kill(self.nodes - 1);
        let mut progress = answered.subscribe();
        progress
            .wait_for(|count| *count >= total * 2 / 3)
            .await
            .unwrap();
        cluster.start_again(self.nodes - 1).await;
    }
}
