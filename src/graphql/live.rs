//! Looking at live subscriptions, and ending one.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Union};
use uuid::Uuid;

use super::error_code::invalid_cursor;
use super::input::{empty_list, short_list};
use super::loader::Operation;
use super::node_id::NodeId;
use super::object::live_subscription::{
    LiveSubscriptionConnection, LiveSubscriptionKind, LiveSubscriptionObject,
    LiveSubscriptionState, lag,
};
use super::page::{Count, PageArguments, Rows};
use super::refusal::InvalidInput;
use super::scalar::SafeInt;
use super::subscribers::{Ending, LiveSubscription, Subscribers};
use crate::cursor;
use crate::stream::shown;

/// Characters of a reason: it is a sentence for the client's log.
const MAX_REASON_CHARS: usize = 200;

/// What an administrator can do about live subscriptions.
#[derive(Default)]
pub(super) struct LiveMutation;

#[Object]
impl LiveMutation {
    /// Ends a live subscription of this node, for an administrator. Its client is told so, with the reason and
    /// with the cursor to come back with; its connection and the other subscriptions on it go on. What the
    /// subscription holds is free when this answers, also if its client has stopped reading.
    ///
    /// Nothing keeps the client from subscribing again. As long as there are no tokens, whoever may append may
    /// also do this.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every resolver to be async"
    )]
    async fn end_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] input: EndSubscriptionInput,
    ) -> Result<EndSubscriptionPayload> {
        end(ctx, input)
    }
}

/// Which live subscriptions you want: those that satisfy every field that you give. A list is satisfied by any
/// of its values.
#[derive(InputObject, Default)]
pub(super) struct LiveSubscriptionFilter {
    /// It delivers one of these.
    kinds: Option<Vec<LiveSubscriptionKind>>,
    /// It is in one of these states.
    states: Option<Vec<LiveSubscriptionState>>,
    /// Its client gave itself one of these names.
    client_names: Option<Vec<String>>,
    /// It is at least this many positions behind the head of this node.
    min_lag: Option<SafeInt>,
}

/// The page of the list that was asked for.
pub(super) fn list(
    ctx: &Context<'_>,
    filter: LiveSubscriptionFilter,
    page: &PageArguments,
) -> Result<LiveSubscriptionConnection> {
    let operation = Operation::of(ctx)?;
    let size = page.size(&operation.limits)?;
    operation.ask_for(size.limit)?;
    let decode = |token: &Option<String>| -> Result<Option<Uuid>> {
        let id = token.as_deref().map(cursor::decode_live_subscription);
        id.transpose().map_err(|error| invalid_cursor(&error))
    };
    let (after, before) = (decode(&page.after)?, decode(&page.before)?);
    let filter = filter.parse(operation)?;
    let mut items = Subscribers::of(ctx)?.list();
    items.retain(|live| filter.matches(operation, live));
    let total_count = Count::up_to(items.len() as u64, operation.limits.count_limit);
    items.retain(|live| {
        after.is_none_or(|after| live.id > after) && before.is_none_or(|before| live.id < before)
    });
    if size.from_the_end {
        items.reverse();
    }
    let bounded = if size.from_the_end { before } else { after };
    Ok(LiveSubscriptionConnection {
        total_count,
        rows: Rows::new(items, size, bounded.is_some()),
    })
}

/// A filter whose lists are not empty.
struct Wanted {
    kinds: Option<Vec<LiveSubscriptionKind>>,
    states: Option<Vec<LiveSubscriptionState>>,
    client_names: Vec<String>,
    min_lag: Option<SafeInt>,
}

impl LiveSubscriptionFilter {
    fn parse(self, operation: &Operation) -> Result<Wanted> {
        for (name, is_empty) in [
            ("kinds", self.kinds.as_ref().is_some_and(Vec::is_empty)),
            ("states", self.states.as_ref().is_some_and(Vec::is_empty)),
        ] {
            if is_empty {
                return Err(empty_list(name));
            }
        }
        Ok(Wanted {
            kinds: self.kinds,
            states: self.states,
            client_names: short_list("clientNames", self.client_names, &operation.limits)?,
            min_lag: self.min_lag,
        })
    }
}

impl Wanted {
    fn matches(&self, operation: &Operation, live: &LiveSubscription) -> bool {
        let (kinds, states) = (self.kinds.as_ref(), self.states.as_ref());
        let client = live.connection().client();
        let is_named = |client: &str| self.client_names.iter().any(|name| name == client);
        kinds.is_none_or(|kinds| kinds.contains(&live.kind.into()))
            && states.is_none_or(|states| states.contains(&live.progress().state().into()))
            && (self.client_names.is_empty() || client.is_some_and(|client| is_named(&client.name)))
            && self
                .min_lag
                .is_none_or(|SafeInt(least)| lag(&operation.store, live) >= Some(least))
    }
}

/// Which live subscription to end.
#[derive(InputObject)]
pub(super) struct EndSubscriptionInput {
    /// Its id, as `liveSubscriptions` of the same node gave it.
    id: ID,
    /// Why, for the client: at most 200 characters.
    reason: Option<String>,
}

/// What came of ending a subscription.
#[derive(Union)]
pub(super) enum EndSubscriptionPayload {
    /// It has ended.
    SubscriptionEnded(SubscriptionEnded),
    /// An input cannot be used, or there is no such subscription.
    InvalidInput(InvalidInput),
}

/// The subscription has ended. It is off the list, and what it held is free. Its client is told when it reads
/// on: one error with the code `FORBIDDEN`, the reason, and `extensions.cursor` to come back with, and then the
/// end of this operation alone.
#[derive(SimpleObject)]
pub(super) struct SubscriptionEnded {
    /// The subscription as it was at its end.
    subscription: LiveSubscriptionObject,
}

/// Ends a subscription of this node.
fn end(ctx: &Context<'_>, input: EndSubscriptionInput) -> Result<EndSubscriptionPayload> {
    let (operation, subscribers) = (Operation::of(ctx)?, Subscribers::of(ctx)?);
    let refused = |field: &str, message: String| {
        let refusal = InvalidInput::argument(field, message);
        Ok(EndSubscriptionPayload::InvalidInput(refusal))
    };
    let reason = input.reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    let length = reason.as_ref().map_or(0, |reason| reason.chars().count());
    if length > MAX_REASON_CHARS {
        return refused(
            "reason",
            format!("The reason has {length} characters; the limit is {MAX_REASON_CHARS}."),
        );
    }
    let id = match subscription_id(&input.id) {
        Ok(id) => id,
        Err(message) => return refused("id", message),
    };
    let ending = Ending {
        reason: reason.clone(),
        store_id: operation.store.id(),
    };
    let Some(ended) = subscribers.end(id, ending) else {
        return refused("id", not_here(id, subscribers.node_id()));
    };
    log(&ended, reason.as_deref());
    Ok(EndSubscriptionPayload::SubscriptionEnded(
        SubscriptionEnded {
            subscription: LiveSubscriptionObject(ended),
        },
    ))
}

fn subscription_id(id: &ID) -> Result<Uuid, String> {
    let found = match NodeId::decode(id) {
        Some(NodeId::LiveSubscription(id)) => return Ok(id),
        Some(NodeId::Stream(_)) => "the id of a stream".to_owned(),
        Some(NodeId::Event(_)) => "the id of an event".to_owned(),
        Some(NodeId::EventType(_)) => "the id of an event type".to_owned(),
        Some(NodeId::Operation(_)) => "the id of a long-running operation".to_owned(),
        None => format!("`{}`, which is no id of this server", shown(id.as_str())),
    };
    Err(format!(
        "`id` is {found}. It must be the id of a live subscription, as `liveSubscriptions` lists them."
    ))
}

fn not_here(id: Uuid, node_id: Uuid) -> String {
    format!(
        "No live subscription {id} runs on the node that answers, {node_id}. It has ended, or it runs on another \
         node: each node lists and ends its own. Look at `liveSubscriptions` again."
    )
}

fn log(ended: &Arc<LiveSubscription>, reason: Option<&str>) {
    let connection = ended.connection();
    tracing::info!(
        subscription = %ended.id,
        connection = %connection.id,
        address = ?connection.peer.address,
        client = ?connection.client().map(|client| &client.name),
        ?reason,
        "an administrator ended a subscription"
    );
}
