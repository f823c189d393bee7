//! The rules of a domain on append (rule V6): one framework, keyed by category; only `game` has rules today.
//!
//! Where breaches are refused, the new events are judged **before** the append, on the state as it was last known,
//! and the store takes the judgement only if the stream still is what it was judged on. Nobody's append is refused
//! on a state that has passed, and none is accepted that a newer state forbids; who was overtaken is judged again.
//! A retry of something stored is recognised by the store before it looks at any judgement.
//!
//! Where breaches are only told, the events are judged **after** the append, on exactly the events before them:
//! appends are as fast, and conflict as seldom, as without rules.

mod turns;
mod warn;

use std::sync::Arc;

use gamebot::game::{Rule, Severity, Violation};
use tokio::time::Instant;
use uuid::Uuid;

pub(super) use turns::Turns;

use super::cache::{Cached, Verdicts};
use super::fold::Folded;
use super::step::Step;
use super::{CATEGORY, Enforcement, Games};
use crate::event::PreparedEvent;
use crate::expected_version::ExpectedVersion;
use crate::scope::Scope;
use crate::store::{
    Append, AppendError, Basis, BrokenRule, Committed, DomainJudgement, Draft, DraftStream,
    InputPath, ReadError,
};
use crate::stream::Stream;

/// What an append came to, and what the rules of its domain say of it.
#[derive(Clone, Debug)]
pub struct JudgedAppend {
    /// What was stored.
    pub committed: Committed,
    /// The rules that the events break all the same, in the order of the request; none for a retry.
    pub warnings: Vec<BrokenRule>,
}

/// What the rules say to a stream's part of a draft.
enum Judged {
    /// The judgement, and the state with the new events in it.
    On(DomainJudgement, Box<Folded>),
    /// The beginning of the stream is hidden, so that nobody can tell.
    Unknown,
}

/// The code of a warning that the rules could not be looked at.
const NOT_CHECKED: &str = "rules_not_checked";

impl Games {
    /// Appends events, as [`EventStore::append`](crate::store::EventStore::append) does, and looks at the rules of
    /// their domain.
    pub async fn append(&self, append: Append) -> Result<JudgedAppend, AppendError> {
        let deadline = self.store().deadline();
        let draft = self.store().draft(append)?;
        let has_rules = draft.streams().any(has_rules);
        match self.options().enforcement {
            Enforcement::Warn if has_rules => self.append_and_warn(draft, deadline).await,
            Enforcement::Refuse if has_rules => self.append_or_refuse(draft, deadline).await,
            Enforcement::Off | Enforcement::Warn | Enforcement::Refuse => {
                let committed = self.store().append_draft(draft, deadline).await?;
                Ok(JudgedAppend {
                    committed,
                    warnings: Vec::new(),
                })
            }
        }
    }

    async fn append_or_refuse(
        &self,
        draft: Draft,
        deadline: Instant,
    ) -> Result<JudgedAppend, AppendError> {
        let judged = draft.streams().filter(|stream| has_rules(*stream));
        // In turn on this node: whoever comes second would be judged on a state that has passed, and again.
        let turns = self.0.turns.take(judged.map(|stream| stream.name));
        let Ok(_turns) = tokio::time::timeout_at(deadline, turns).await else {
            return Err(AppendError::NotWritten);
        };
        let mut knows_better = false;
        loop {
            let (draft, judged) = self.judge(&draft, knows_better).await?;
            match self.store().append_draft(draft, deadline).await {
                Err(AppendError::Outdated) if Instant::now() < deadline => knows_better = true,
                Err(error) => return Err(error),
                Ok(committed) => return Ok(self.accepted(committed, judged)),
            }
        }
    }

    /// Judges the events of each stream. `afresh`: what is in memory is not enough.
    async fn judge(
        &self,
        draft: &Draft,
        afresh: bool,
    ) -> Result<(Draft, Vec<(usize, Judged)>), AppendError> {
        let mut judged = Vec::new();
        let mut with_judgements = draft.clone();
        for stream in draft.streams().filter(|stream| has_rules(*stream)) {
            let base = self.state_before(stream, afresh).await;
            let judgement = match base.map_err(|_| AppendError::NotWritten)? {
                Some(base) => judge(draft, stream, base),
                None => Judged::Unknown,
            };
            if let Judged::On(judgement, _) = &judgement {
                with_judgements.put(stream.index, Some(judgement.clone()));
            }
            judged.push((stream.index, judgement));
        }
        Ok((with_judgements, judged))
    }

    /// The state on which new events are judged; `None` if the beginning of what it should be is hidden.
    async fn state_before(
        &self,
        stream: DraftStream<'_>,
        afresh: bool,
    ) -> Result<Option<Folded>, ReadError> {
        if !afresh {
            let begins = matches!(
                stream.expected,
                ExpectedVersion::NoStream | ExpectedVersion::Exactly(0)
            );
            if begins {
                return Ok(Some(Folded::empty(stream.name, Basis::default(), 1)));
            }
            let known = self.cache().get(stream.name).map(|cached| cached.folded);
            let is_expected = |known: &Arc<Folded>| match stream.expected {
                ExpectedVersion::Exactly(version) => version == known.basis.version,
                _ => true,
            };
            if let Some(known) = known.filter(is_expected).filter(|known| is_whole(known)) {
                return Ok(Some(Folded::clone(&known)));
            }
        }
        loop {
            let Some(found) = self.store().stream(&Scope::All, stream.name).await? else {
                return Ok(Some(Folded::empty(stream.name, Basis::default(), 1)));
            };
            if !is_verifiable(&found) {
                return Ok(None);
            }
            let folded = self.fold(found.clone(), None).await?;
            let folded = folded.unwrap_or_else(|| Folded::before(&found, found.hidden_through + 1));
            if is_whole(&folded) {
                return Ok(Some(folded));
            }
            if folded.basis == Basis::of(&found) {
                // Events are missing that nobody has hidden.
                return Ok(None);
            }
        }
    }

    /// Keeps the states with the new events, and tells what is broken all the same.
    fn accepted(&self, committed: Committed, judged: Vec<(usize, Judged)>) -> JudgedAppend {
        let mut warnings = Vec::new();
        if committed.duplicate {
            return JudgedAppend {
                committed,
                warnings,
            };
        }
        for (index, judged) in judged {
            let Some(part) = committed.streams.get(index) else {
                continue;
            };
            match judged {
                Judged::Unknown => warnings.push(not_checked(part_path(&committed, index))),
                Judged::On(judgement, mut folded) => {
                    warnings.extend(judgement.broken);
                    if let (Some(stream), Some(last)) = (&part.stream, part.events.last()) {
                        let previous = part.previous_version;
                        folded.note(last);
                        folded.basis = Basis::of(stream);
                        self.keep(stream, *folded, Verdicts::default(), previous);
                    }
                }
            }
        }
        JudgedAppend {
            committed,
            warnings,
        }
    }

    /// Keeps a state in memory, and as a snapshot if it is the first beyond a mark.
    fn keep(&self, stream: &Stream, folded: Folded, verdicts: Verdicts, previous_version: i32) {
        let every = self.options().snapshot_every;
        let passed = |version: i32| version.checked_div(every).unwrap_or_default();
        if stream.keeps_everything() && passed(folded.version()) > passed(previous_version) {
            let snapshot = folded.to_snapshot(stream.id);
            self.store().keep_snapshots(snapshot.into_iter().collect());
        }
        let cached = Cached {
            folded: Arc::new(folded),
            verdicts,
        };
        self.cache().put(&stream.name, cached);
    }
}

/// Whether a part of a request has something that rules are for.
fn has_rules(stream: DraftStream<'_>) -> bool {
    stream.name.category() == CATEGORY && !stream.events.is_empty()
}

/// Whether all that went into a game is there: not where a retention hides its beginning.
fn is_whole(folded: &Folded) -> bool {
    folded.basis.hidden_through == folded.basis.deleted_through
        && folded.first_version == folded.basis.deleted_through + 1
        && folded.version() == folded.basis.version
}

fn is_verifiable(stream: &Stream) -> bool {
    stream.keeps_everything() && stream.hidden_through == stream.deleted_through
}

/// Judges the new events of a stream one after the other, each on the state with those before it.
fn judge(draft: &Draft, stream: DraftStream<'_>, mut folded: Folded) -> Judged {
    let basis = folded.basis;
    let mut broken = Vec::new();
    let state = Arc::make_mut(&mut folded.state);
    for ((index, event), version) in stream.events.iter().enumerate().zip(basis.version + 1..) {
        let path = draft.path(stream.index, index);
        let found = Step::prepared(event, version).check_and_fold(state);
        broken.extend(
            found
                .into_iter()
                .map(|found| broken_rule(found, path.clone())),
        );
        broken.extend(own_cause(&stream.events[index..], &path));
    }
    folded.unmeasured += stream
        .events
        .iter()
        .map(PreparedEvent::bytes)
        .sum::<usize>();
    Judged::On(DomainJudgement { basis, broken }, Box::new(folded))
}

/// Rule R35 within a request: an event that names itself, or one that comes after it, as its cause. `events`
/// begins with it.
fn own_cause(events: &[PreparedEvent], path: &InputPath) -> Option<BrokenRule> {
    let event = events.first()?;
    let cause = Uuid::try_parse(event.causation_id.as_deref()?).ok()?;
    let place = events.iter().position(|other| other.event_id == cause)?;
    let named = if place == 0 {
        "itself"
    } else {
        "an event that comes after it"
    };
    Some(BrokenRule {
        rule: Some(Rule::R35.as_str()),
        code: "causation_cycle",
        is_error: true,
        path: path.clone(),
        message: format!(
            "the event {} names {cause}, {named}, as its cause; a cause comes before its effect",
            event.event_id
        ),
    })
}

fn broken_rule(violation: Violation, path: InputPath) -> BrokenRule {
    BrokenRule {
        rule: Some(violation.rule.as_str()),
        code: violation.code,
        is_error: violation.severity == Severity::Error,
        path,
        message: violation.message,
    }
}

fn not_checked(path: InputPath) -> BrokenRule {
    BrokenRule {
        rule: None,
        code: NOT_CHECKED,
        is_error: false,
        path,
        message: "the rules of the game were not looked at: the beginning of the stream is hidden, or it could \
                  not be read in time"
            .to_owned(),
    }
}

/// Where the events of a stream stand in a request.
fn part_path(committed: &Committed, index: usize) -> InputPath {
    InputPath {
        stream: (committed.streams.len() > 1).then_some(index),
        event: None,
        field: vec!["events".to_owned()],
    }
}
