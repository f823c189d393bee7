//! The same model behind the public door: one program of a fixed seed over HTTP, with feeds on sockets,
//! each on a connection of its own.

use std::sync::Arc;

use gamebot_event_store::store::{StreamSettings, VersionRange};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use testkit::{GraphqlClient, Subscription, eventually};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::clock::{Clock, Times};
use super::follower::{Followed, Progress};
use super::model::{AppendedPart, Model, Names, Outcome, Refused, SentAppend, SentChange};
use super::plan::{self, Plan, ReadPlan, Step, Write};
use super::question::{Place, Question};
use super::wire::{self, EVENT};
use super::wish::Wish;
use crate::follow::feed::LONG;
use crate::support::{World, on_both_backends};

on_both_backends!(a_program_through_the_public_door_agrees_with_the_model);

/// How many steps the program has.
const STEPS: usize = 80;

async fn a_program_through_the_public_door_agrees_with_the_model(world: World) {
    let builder = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100");
    let server = builder.start().await;
    let mut case = DoorCase {
        client: GraphqlClient::new(&server.base_url()),
        model: Model::new(Names::new("door"), 0, 10_000),
        clock: Arc::default(),
        times: Times::new(),
        progress: watch::Sender::new((0, false)),
        appends: Vec::new(),
        changes: Vec::new(),
    };
    let mut feeds = JoinSet::new();
    for wish in wishes() {
        let (clock, progress) = (Arc::clone(&case.clock), case.progress.subscribe());
        feeds.spawn(follow(server.base_url(), wish, clock, progress));
    }
    for step in program().steps {
        case.step(step).await;
    }
    // Somebody who comes late sees what everybody sees by now.
    for wish in wishes() {
        let (clock, progress) = (Arc::clone(&case.clock), case.progress.subscribe());
        feeds.spawn(follow(server.base_url(), wish, clock, progress));
    }
    case.progress.send_replace((case.model.head(), true));
    while let Some(followed) = feeds.join_next().await {
        followed.unwrap().check(&case.model, &case.times);
    }
}

/// What the feeds are after.
fn wishes() -> Vec<Wish> {
    let some = Wish::default;
    vec![
        Wish::everything(),
        some(),
        Wish {
            categories: vec!["game", "$stream"],
            ..some()
        },
        Wish {
            guild_ids: vec!["g1"],
            ..some()
        },
        Wish {
            prefix: Some("game-a"),
            ..some()
        },
        Wish {
            event_types: vec!["played", "closed"],
            ..some()
        },
    ]
}

/// The same program each time.
fn program() -> Plan {
    let mut runner = TestRunner::deterministic();
    let plans = plan::plans(STEPS..STEPS + 1);
    plans.new_tree(&mut runner).unwrap().current()
}

/// Follows over a WebSocket until the log has stopped growing and its end is reached.
async fn follow(base_url: String, wish: Wish, clock: Arc<Clock>, mut end: Progress) -> Followed {
    let query = format!(
        "subscription($filter: EventFilter) {{ feed: events(from: {{at: ORIGIN}}, filter: $filter) {{
           __typename ... on FeedPoint {{ position }}
           ... on EventReceived {{ event {{ {EVENT} }} }} }} }}"
    );
    let started = clock.now();
    let variables = json!({"filter": wire::filter(&wish)});
    let feed = Subscription::start(&base_url, &query, variables).await;
    let mut feed = feed.with_deadline(LONG);
    let mut followed = Followed::new(wish, 0, started, false);
    loop {
        let told = followed.last_position();
        tokio::select! {
            data = feed.next() => {
                let asked = clock.now();
                let message = wire::message(&data.expect("the feed ended")["feed"]);
                followed.take(asked, clock.now(), message);
            }
            _ = end.wait_for(|(head, done)| *done && Some(*head) == told) => return followed,
        }
    }
}

/// The program under way.
struct DoorCase {
    client: GraphqlClient,
    model: Model,
    clock: Arc<Clock>,
    times: Times,
    progress: watch::Sender<(i64, bool)>,
    appends: Vec<SentAppend>,
    changes: Vec<SentChange>,
}

impl DoorCase {
    async fn step(&mut self, step: Step) {
        match step {
            // Requests on several connections have no order: they are sent one by one.
            Step::Write(writes, _) => {
                for write in writes {
                    self.write(write).await;
                }
            }
            Step::Read(plan) => self.read(&plan).await,
            Step::Follow(_) => {}
            Step::Scavenge(stream) => self.scavenge(stream).await,
        }
        self.progress.send_replace((self.model.head(), false));
    }

    async fn write(&mut self, write: Write) {
        match write {
            Write::Append(plan) => {
                let append = SentAppend::new(&plan, &self.model);
                self.append(append).await;
            }
            Write::AppendAgain(_, how) => {
                let earlier = self.appends.last();
                if let Some(again) = earlier.map(|earlier| earlier.again(how, &self.model)) {
                    self.append(again).await;
                }
            }
            Write::Change(plan) => {
                let change = SentChange::new(&plan, &self.model);
                self.change(change).await;
            }
            Write::ChangeAgain(..) => {
                if let Some(change) = self.changes.last().cloned() {
                    self.change(change).await;
                }
            }
        }
    }

    /// Sends a mutation, and returns what it came to.
    async fn send(&mut self, field: &str, body: String) -> Value {
        let sent = self.clock.tick();
        let mut answer = self.client.raw(body).await.json();
        self.times.push(sent, self.clock.tick());
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"][field].take()
    }

    async fn append(&mut self, append: SentAppend) {
        let outcome = self.model.append(&append);
        let (field, body) = wire::append_body(&append);
        let answer = self.send(field, body).await;
        self.appends.push(append);
        match outcome {
            Outcome::Refused(refused) => assert_eq!(answer["__typename"], name_of(&refused)),
            Outcome::Appended { duplicate, parts } => {
                assert_eq!(answer["duplicate"], duplicate, "{answer:#}");
                let found = answer["streams"].as_array().cloned();
                let found = found.unwrap_or_else(|| vec![answer.clone()]);
                assert_eq!(found.len(), parts.len(), "{answer:#}");
                for (found, part) in found.iter().zip(&parts) {
                    self.check_part(found, part);
                }
            }
            Outcome::Changed { .. } => unreachable!("an append changes nothing"),
        }
    }

    fn check_part(&mut self, found: &Value, part: &AppendedPart) {
        assert_eq!(found["previousVersion"], part.previous_version, "{found:#}");
        assert_eq!(found["version"], part.version, "{found:#}");
        let events = wire::events(&found["events"]);
        assert_eq!(events.len(), part.events.len(), "{found:#}");
        for (shown, index) in events.iter().zip(&part.events) {
            assert_eq!(shown.position.get(), self.model.events[*index].position);
            self.model.learn_id(*index, shown.event_id);
            let state = self.model.events[*index].state_at(self.model.write);
            self.model.check_shown(shown, &[state]);
        }
    }

    async fn change(&mut self, change: SentChange) {
        let outcome = self.model.change(&change);
        let (field, body) = wire::change_body(&change);
        let answer = self.send(field, body).await;
        match outcome {
            Outcome::Refused(refused) => assert_eq!(answer["__typename"], name_of(&refused)),
            Outcome::Changed {
                duplicate, event, ..
            } => {
                assert_eq!(answer["duplicate"], duplicate, "{change:?}: {answer:#}");
                let position = event.map(|index| self.model.events[index].position);
                assert_eq!(answer["event"]["position"].as_i64(), position, "{answer:#}");
                self.check_stream(&change.stream, &answer["stream"]);
            }
            Outcome::Appended { .. } => unreachable!("a change appends nothing"),
        }
        self.changes.push(change);
    }

    /// What the API tells of a stream.
    fn check_stream(&self, name: &str, found: &Value) {
        let Some(stream) = self.model.streams.get(name) else {
            return assert_eq!(*found, Value::Null, "{name}");
        };
        let StreamSettings {
            retention,
            max_events,
            custom,
        } = &stream.settings;
        let custom = custom
            .as_ref()
            .map(|text| serde_json::from_str::<Value>(text).unwrap());
        let expected = json!({
            "version": stream.version,
            "status": format!("{:?}", stream.status).to_uppercase(),
            "hiddenThrough": stream.hidden_through,
            "guildId": stream.guild,
            "metadata": {
                "version": stream.metadata_version,
                "maxAgeSeconds": retention.max_age_ms.map(|age| age / 1000),
                "maxCount": retention.max_count,
                "truncateBefore": retention.truncate_before,
                "maxEvents": max_events,
                "custom": custom,
            },
        });
        assert_eq!(*found, expected, "{name}");
    }

    async fn scavenge(&mut self, stream: Option<usize>) {
        let id = Uuid::now_v7();
        let stream = stream.map(|stream| self.model.names.of(stream).to_owned());
        let before = self.model.write;
        let expected = self.model.scavenge(id, stream.as_deref());
        let sent = self.clock.tick();
        let query = "mutation($input: ScavengeInput!) { scavenge(input: $input) { __typename } }";
        let input = json!({"operationId": id, "stream": stream});
        let answer = self.client.query(query, json!({"input": input})).await;
        if expected.is_none() {
            return assert_eq!(answer["scavenge"]["__typename"], "StreamNotFound");
        }
        assert_eq!(answer["scavenge"]["__typename"], "ScavengeStarted");
        let query = "query($id: ID!) { operation(id: $id) { state } }";
        eventually("the scavenge ends", async || {
            let found = self.client.query(query, json!({ "id": id })).await;
            (found["operation"]["state"] == "SUCCEEDED").then_some(())
        })
        .await;
        let answered = self.clock.tick();
        for _ in before..self.model.write {
            self.times.push(sent, answered);
        }
    }

    /// Walks through the log by cursors, and looks at every stream.
    async fn read(&mut self, plan: &ReadPlan) {
        let wish = Wish {
            stream: None,
            scope: None,
            ..plan.wish.clone()
        };
        let question = Question {
            after: 0,
            through: self.model.head(),
            versions: VersionRange::default(),
            descending: plan.descending,
            limit: 10_000,
            wish,
        };
        let expected = self.model.answer(&question, self.model.write);
        assert_eq!(
            self.walk(&question, plan.limit).await,
            expected,
            "{question:?}"
        );
        for name in self.model.names.all() {
            let query = format!(
                "query($name: String!) {{ stream(name: $name) {} }}",
                wire::STREAM
            );
            let found = self.client.query(&query, json!({ "name": name })).await;
            self.check_stream(name, &found["stream"]);
        }
    }

    /// All pages of an answer, by cursors.
    async fn walk(&self, question: &Question, page_events: u64) -> Vec<Place> {
        let query = format!(
            "query($filter: EventFilter, $direction: Direction!, $first: Int!, $after: String) {{
               events(filter: $filter, direction: $direction, first: $first, after: $after) {{
                 head totalCount {{ value isExact }} nodes {{ {EVENT} }}
                 pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let direction = if question.descending {
            "BACKWARD"
        } else {
            "FORWARD"
        };
        let filter = wire::filter(&question.wish);
        let (mut places, mut after, mut total) = (Vec::new(), Value::Null, Value::Null);
        loop {
            let variables = json!({
                "filter": filter, "direction": direction, "first": page_events, "after": after,
            });
            let page = self.client.query(&query, variables).await["events"].take();
            assert_eq!(page["head"], self.model.head());
            for shown in wire::events(&page["nodes"]) {
                let state = self
                    .model
                    .at(shown.position.get())
                    .state_at(self.model.write);
                self.model.check_shown(&shown, &[state]);
                places.push((shown.position.get(), shown.removed));
            }
            total = if total.is_null() {
                page["totalCount"]["value"].clone()
            } else {
                total
            };
            if page["pageInfo"]["hasNextPage"] == false {
                assert_eq!(total, places.len(), "the count of {question:?}");
                return places;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// What the API calls a refusal.
fn name_of(refused: &Refused) -> &'static str {
    match refused {
        Refused::WrongExpectedVersion(_) => "WrongExpectedVersion",
        Refused::DuplicateEvent(_) => "DuplicateEvent",
        Refused::StreamNotFound(_) => "StreamNotFound",
        Refused::StreamDeleted(_) => "StreamDeleted",
        Refused::StreamTombstoned(_) => "StreamTombstoned",
        Refused::StreamArchived(_) => "StreamArchived",
        Refused::StreamTooLarge(..) => "StreamTooLarge",
        Refused::InvalidEvents(_) => "InvalidEvents",
        Refused::InvalidInput => "InvalidInput",
    }
}
