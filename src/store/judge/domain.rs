//! Whether events obey the rules of their domain (rule V6), as somebody else has judged who knows them.

use super::View;
use crate::store::append::PreparedAppend;
use crate::store::draft::Basis;
use crate::store::refusal::{AppendError, Refusal};

impl View {
    /// Takes the judgements that came with a request, if each stream is still what it was judged on.
    pub(super) fn check_domain(&self, request: &PreparedAppend) -> Result<(), AppendError> {
        let mut broken = Vec::new();
        for wanted in &request.streams {
            let Some(judgement) = &wanted.domain else {
                continue;
            };
            let stream = self.streams.get(&wanted.name);
            if judgement.basis != stream.map_or_else(Basis::default, Basis::of) {
                return Err(AppendError::Outdated);
            }
            broken.extend(judgement.broken.iter().cloned());
        }
        if broken.iter().any(|broken| broken.is_error) {
            return Err(Refusal::RuleViolated(broken).into());
        }
        Ok(())
    }
}
