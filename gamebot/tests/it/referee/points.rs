//! The points of a golf race.

use serde_json::Value;

use super::{Referee, Verdict};

/// What an attempt earned.
pub(super) struct Award {
    reason: &'static str,
    attempts: i64,
    points: i64,
}

impl Award {
    pub(super) fn for_match(attempts: i64) -> Self {
        Self {
            reason: "match",
            attempts,
            points: of_golf(attempts),
        }
    }

    pub(super) fn for_giving_up(attempts: i64) -> Self {
        Self {
            reason: "give_up",
            attempts,
            points: -1,
        }
    }
}

/// The points for a match, by the attempts used.
pub(super) fn of_golf(attempts: i64) -> i64 {
    const BEST: [i64; 10] = [4, 3, 3, 3, 2, 2, 2, 1, 1, 1];
    let place = usize::try_from(attempts - 1).unwrap_or(usize::MAX);
    BEST.get(place).copied().unwrap_or(0)
}

impl Referee {
    pub(super) fn points_awarded(&mut self, data: &Value) -> Verdict {
        ensure!(self.is_golf(), "points are for golf races");
        let team = self.team(data, false)?;
        let due = team.award_due.take().ok_or("nothing was earned")?;
        ensure!(data["reason"] == due.reason, "what the points are for");
        ensure!(data["guess_count"] == due.attempts, "the attempts used");
        ensure!(data["points"] == due.points, "the points");
        if due.reason == "give_up" {
            team.score += due.points;
        }
        ensure!(data["total_points"] == team.score, "the points so far");
        Ok(())
    }

    /// Most points; among them the lowest average; among them most matches.
    pub(super) fn golf_winners(&self) -> Vec<String> {
        // An average is a number of attempts per match; the products of the counts of all teams
        // make whole numbers of it, which can be compared without loss.
        let teams = || self.order.iter().map(|id| &self.teams[id]);
        let common: i128 = teams()
            .map(|team| i128::from(team.matches.max(1)))
            .product();
        let average = |id: &String| {
            let team = &self.teams[id];
            match team.matches {
                0 => i128::MAX,
                matches => i128::from(team.total) * (common / i128::from(matches)),
            }
        };
        let merit = |id: &String| {
            let team = &self.teams[id];
            (team.score, std::cmp::Reverse(average(id)), team.matches)
        };
        let best = self.order.iter().map(merit).max();
        let winners = self.order.iter().filter(|id| Some(merit(id)) == best);
        winners.cloned().collect()
    }
}
