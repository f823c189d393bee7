//! Rules that only warn: the events are stored first, and judged then.

use std::iter::once;
use std::sync::Arc;

use gamebot::game::Violation;
use tokio::time::Instant;

use super::{JudgedAppend, broken_rule, is_verifiable, not_checked, own_cause, part_path};
use crate::event::RecordedEvent;
use crate::game::cache::Verdicts;
use crate::game::fold::{Folded, PAGE_EVENTS};
use crate::game::step::Step;
use crate::game::{CATEGORY, Games};
use crate::scope::Scope;
use crate::store::{
    AppendError, Basis, BrokenRule, CommittedStream, Draft, EventQuery, ReadError, VersionRange,
};
use crate::stream::Stream;

impl Games {
    pub(super) async fn append_and_warn(
        &self,
        draft: Draft,
        deadline: Instant,
    ) -> Result<JudgedAppend, AppendError> {
        let committed = self.store().append_draft(draft.clone(), deadline).await?;
        let mut warnings = Vec::new();
        if committed.duplicate {
            return Ok(JudgedAppend {
                committed,
                warnings,
            });
        }
        for (index, part) in committed.streams.iter().enumerate() {
            if part.name.category() != CATEGORY || part.events.is_empty() {
                continue;
            }
            match tokio::time::timeout_at(deadline, self.judge_stored(part)).await {
                Ok(Ok(Some(broken))) => warnings.extend(told(&draft, index, broken)),
                // The events are stored, whatever comes of looking at them.
                Ok(Ok(None) | Err(_)) | Err(_) => {
                    warnings.push(not_checked(part_path(&committed, index)));
                }
            }
        }
        Ok(JudgedAppend {
            committed,
            warnings,
        })
    }

    /// What each of the events broke that an append has stored in a stream; `None` if it cannot be told, because
    /// events before them are not shown.
    async fn judge_stored(
        &self,
        part: &CommittedStream,
    ) -> Result<Option<Vec<Vec<Violation>>>, ReadError> {
        let Some(stream) = part.stream.as_ref().filter(|stream| is_verifiable(stream)) else {
            return Ok(None);
        };
        // In turn: what one has judged on the way, the next need not judge again.
        let _turn = self.0.turns.take(once(&part.name)).await;
        let first_version = stream.deleted_through + 1;
        let known = self.cache().get(&part.name);
        let known = known.filter(|known| known.folded.first_version == first_version);
        if let Some(known) = &known
            && let Some(broken) = remembered(&known.verdicts, part)
        {
            return Ok(Some(broken));
        }
        let known = known.filter(|known| known.folded.version() <= part.previous_version);
        let (mut folded, mut verdicts) = if let Some(known) = known {
            (Folded::clone(&known.folded), known.verdicts)
        } else {
            let base = self
                .base_of(stream, first_version, part.previous_version)
                .await?;
            (base, Verdicts::default())
        };
        self.judge_between(stream, part.previous_version, &mut folded, &mut verdicts)
            .await?;
        if folded.version() != part.previous_version {
            return Ok(None);
        }
        for event in &part.events {
            judge_one(event, &mut folded, &mut verdicts);
        }
        folded.basis = Basis::of(stream);
        let broken = remembered(&verdicts, part);
        self.keep(stream, folded, verdicts, part.previous_version);
        Ok(broken)
    }

    /// The state before the events of an append, or the nearest one before that.
    async fn base_of(
        &self,
        stream: &Stream,
        first_version: i32,
        version: i32,
    ) -> Result<Folded, ReadError> {
        let folded = if version < first_version {
            None
        } else {
            self.fold_once(stream, version).await?.0
        };
        Ok(folded.unwrap_or_else(|| Folded::before(stream, first_version)))
    }

    /// Judges what others have appended in between.
    async fn judge_between(
        &self,
        stream: &Stream,
        through: i32,
        folded: &mut Folded,
        verdicts: &mut Verdicts,
    ) -> Result<(), ReadError> {
        while folded.version() < through {
            let query = EventQuery {
                versions: VersionRange {
                    from: Some(folded.version() + 1),
                    through: Some(through),
                },
                ..EventQuery::of_stream(Scope::All, stream, PAGE_EVENTS)
            };
            let events = self.store().events(&query).await?;
            if events.is_empty() {
                break;
            }
            for event in &events {
                judge_one(event, folded, verdicts);
            }
        }
        Ok(())
    }
}

fn judge_one(event: &RecordedEvent, folded: &mut Folded, verdicts: &mut Verdicts) {
    let broken = Step::recorded(event).check_and_fold(Arc::make_mut(&mut folded.state));
    folded.note(event);
    verdicts.push(event.stream_version, broken);
}

fn remembered(verdicts: &Verdicts, part: &CommittedStream) -> Option<Vec<Vec<Violation>>> {
    let versions = part.events.iter().map(|event| event.stream_version);
    versions
        .map(|version| verdicts.of(version).map(<[Violation]>::to_vec))
        .collect()
}

/// What was broken, in the words of the request.
fn told(draft: &Draft, index: usize, broken: Vec<Vec<Violation>>) -> Vec<BrokenRule> {
    let mut told = Vec::new();
    let Some(stream) = draft.streams().nth(index) else {
        return told;
    };
    for (event, violations) in broken.into_iter().enumerate() {
        let path = draft.path(index, event);
        let own_cause = own_cause(&stream.events[event..], &path);
        let violations = violations.into_iter();
        told.extend(violations.map(|violation| broken_rule(violation, path.clone())));
        told.extend(own_cause);
    }
    told
}
