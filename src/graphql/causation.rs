//! What led to an event, and what it led to.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{Context, Result, SimpleObject};
use uuid::Uuid;

use super::error_code::{ErrorCode, limit_exceeded, read_error};
use super::loader::{Operation, has_siblings};
use super::object::event::EventObject;
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::store::{EventQuery, VersionRange};

/// An event, the causes that led to it, up to the first, and everything that it led to.
#[derive(SimpleObject)]
pub(super) struct CausationTree {
    /// First the causes, the first of all at the head; then the event itself; then its effects, level by level,
    /// each level in the order of the log. Every event stands here once.
    nodes: Vec<CausationNode>,
    /// Whether there are more causes or effects, beyond the depth or the number that was asked for.
    truncated: bool,
    /// Whether following causes or effects led back to an event that was there already. Nothing in the log
    /// prevents that: causes are what writers say.
    has_cycle: bool,
}

/// An event in a tree of causes and effects.
#[derive(SimpleObject)]
pub(super) struct CausationNode {
    /// The event; one that is hidden is shown as removed.
    event: EventObject,
    /// How many steps it is from the event that was asked about: 0 for that event, negative for its causes,
    /// positive for its effects.
    depth: i32,
    /// The event that directly caused it, as far as it is in this list.
    parent_event_id: Option<Uuid>,
}

/// The deepest tree that may be asked for, in steps in each direction.
const MAX_DEPTH: i32 = 100;

/// How far a tree may go.
struct Bounds {
    depth: usize,
    nodes: usize,
}

/// A tree on its way.
struct Growing<'a> {
    look_up: LookUp<'a>,
    bounds: Bounds,
    seen: HashSet<Uuid>,
    truncated: bool,
    has_cycle: bool,
}

/// How effects are looked up.
struct LookUp<'a> {
    operation: &'a Operation,
    /// Whether other trees grow at the same time, whose look-ups can be shared.
    has_siblings: bool,
    include_reserved: bool,
}

/// The tree around an event.
pub(super) async fn tree(
    ctx: &Context<'_>,
    event: &Arc<RecordedEvent>,
    depth: i32,
    nodes: i32,
) -> Result<CausationTree> {
    let operation = Operation::of(ctx)?;
    let bounds = Bounds::parse(depth, nodes, operation.limits.page_max)?;
    operation.ask_for(bounds.nodes)?;
    let mut growing = Growing {
        look_up: LookUp {
            operation,
            has_siblings: has_siblings(ctx),
            include_reserved: event.stream.is_reserved(),
        },
        bounds,
        seen: HashSet::from([event.event_id]),
        truncated: false,
        has_cycle: false,
    };
    let causes = growing.causes(event).await?;
    let effects = growing.effects(event).await?;
    let mut shown = Vec::with_capacity(growing.seen.len());
    for (index, cause) in causes.iter().enumerate().rev() {
        let depth = i32::try_from(index + 1).unwrap_or(i32::MAX);
        shown.push(node(cause, -depth, &growing.seen));
    }
    shown.push(node(event, 0, &growing.seen));
    for (effect, depth) in &effects {
        shown.push(node(effect, *depth, &growing.seen));
    }
    Ok(CausationTree {
        nodes: shown,
        truncated: growing.truncated,
        has_cycle: growing.has_cycle,
    })
}

impl Bounds {
    fn parse(depth: i32, nodes: i32, most_nodes: usize) -> Result<Self> {
        if !(1..=MAX_DEPTH).contains(&depth) {
            return Err(ErrorCode::InvalidArgument.error(format!(
                "`depth` is {depth}. It must be from 1 to {MAX_DEPTH}."
            )));
        }
        let wanted = usize::try_from(nodes).ok().filter(|nodes| *nodes > 0);
        let Some(wanted) = wanted else {
            return Err(ErrorCode::InvalidArgument
                .error(format!("`nodes` is {nodes}. It must be 1 or more.")));
        };
        if wanted > most_nodes {
            return Err(limit_exceeded("`nodes`", wanted, most_nodes));
        }
        Ok(Self {
            depth: usize::try_from(depth).unwrap_or_default(),
            nodes: wanted,
        })
    }
}

impl Growing<'_> {
    /// The causes of an event, the nearest first. Each has one at most.
    async fn causes(&mut self, event: &Arc<RecordedEvent>) -> Result<Vec<Arc<RecordedEvent>>> {
        let mut causes: Vec<Arc<RecordedEvent>> = Vec::new();
        while let Some(id) = cause_of(causes.last().unwrap_or(event)) {
            if self.seen.contains(&id) {
                self.has_cycle = true;
                break;
            }
            let Some(cause) = self.look_up.operation.event_by_id(id).await? else {
                break;
            };
            if causes.len() == self.bounds.depth || self.seen.len() == self.bounds.nodes {
                self.truncated = true;
                break;
            }
            self.seen.insert(id);
            causes.push(cause);
        }
        Ok(causes)
    }

    /// The effects of an event with their depths, breadth first: one statement for each level.
    async fn effects(
        &mut self,
        event: &Arc<RecordedEvent>,
    ) -> Result<Vec<(Arc<RecordedEvent>, i32)>> {
        let mut effects = Vec::new();
        let mut level = vec![Arc::clone(event)];
        for depth in 1.. {
            let mut next = Vec::new();
            // Those that are known already, if causes go round, and one more than there is room for.
            let limit = self.bounds.nodes + 1;
            for effect in self.look_up.level_below(&level, limit).await? {
                if self.seen.contains(&effect.event_id) {
                    self.has_cycle = true;
                } else if depth > self.bounds.depth || self.seen.len() == self.bounds.nodes {
                    self.truncated = true;
                    return Ok(effects);
                } else {
                    self.seen.insert(effect.event_id);
                    next.push(effect);
                }
            }
            if next.is_empty() {
                break;
            }
            let depth = i32::try_from(depth).unwrap_or(i32::MAX);
            effects.extend(next.iter().map(|effect| (Arc::clone(effect), depth)));
            level = next;
        }
        Ok(effects)
    }
}

impl LookUp<'_> {
    async fn level_below(
        &self,
        level: &[Arc<RecordedEvent>],
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>> {
        let causes = level.iter().map(|event| event.event_id.to_string());
        let query = EventQuery {
            scope: self.operation.scope.clone(),
            filter: EventFilter {
                causation_ids: causes.collect(),
                include_reserved: self.include_reserved,
                include_removed: true,
                ..EventFilter::default()
            },
            stream_id: None,
            after: Position::ORIGIN,
            through: Position::MAX,
            versions: VersionRange::default(),
            descending: false,
            limit: limit as u64,
        };
        if self.has_siblings {
            return self.operation.events_with_siblings(query).await;
        }
        let events = self.operation.store.events(&query).await;
        events.map_err(|error| read_error(&error))
    }
}

/// The event that an event names as its cause.
fn cause_of(event: &RecordedEvent) -> Option<Uuid> {
    Uuid::try_parse(event.causation_id.as_deref()?).ok()
}

fn node(event: &Arc<RecordedEvent>, depth: i32, shown: &HashSet<Uuid>) -> CausationNode {
    CausationNode {
        parent_event_id: cause_of(event).filter(|cause| shown.contains(cause)),
        event: EventObject::new(Arc::clone(event)),
        depth,
    }
}
