//! The days of a longform game.

use chrono::TimeDelta;
use serde_json::Value;

use super::{Referee, Verdict, average, int, keys, texts};

impl Referee {
    /// Those who made the most attempts of the day. Nobody leaves when they are all.
    fn slowest_of_the_day(&self) -> Vec<String> {
        let played = &self.live_at_start_of_round;
        let most = played.iter().map(|id| self.teams[id].in_round).max();
        let slowest = played
            .iter()
            .filter(|id| Some(self.teams[*id].in_round) == most);
        let slowest: Vec<String> = slowest.cloned().collect();
        if slowest.len() == played.len() {
            Vec::new()
        } else {
            slowest
        }
    }

    pub(super) fn out_of_longform(&self, id: &String, data: &Value) -> Verdict {
        ensure!(data["reason"] == "round_loss", "the slowest leave");
        ensure!(self.slowest_of_the_day().contains(id), "one of the slowest");
        self.day_is_over()
    }

    fn day_is_over(&self) -> Verdict {
        let length = self.config["round_duration_seconds"]
            .as_i64()
            .unwrap_or(86_400);
        let starts = self
            .live_at_start_of_round
            .iter()
            .map(|id| self.teams[id].round_started_at);
        let began = starts.max().ok_or("a day has teams")?;
        ensure!(
            self.now - began >= TimeDelta::seconds(length),
            "the day is not over"
        );
        Ok(())
    }

    pub(super) fn longform_day_ended(&mut self, data: &Value) -> Verdict {
        ensure!(self.mode() == "longform", "days are for longform games");
        ensure!(
            self.round_open && data["round_number"] == self.round,
            "the open round"
        );
        ensure!(data["day_number"] == self.round, "the day is the round");
        self.day_is_over()?;
        let slowest = self.slowest_of_the_day();
        ensure!(texts(&data["eliminated_teams"])? == slowest, "who leaves");
        ensure!(
            slowest.iter().all(|id| !self.teams[id].live),
            "each has its own elimination"
        );
        let standings = &data["team_standings"];
        ensure!(keys(standings) == self.live_at_start_of_round, "who played");
        for id in &self.live_at_start_of_round {
            let (team, standing) = (&self.teams[id], &standings[id]);
            team.numbers(standing)?;
            team.player_stats(&standing["player_stats"])?;
            ensure!(standing["score"] == team.score, "the score");
            ensure!(
                standing["daily_guesses"] == team.in_round,
                "attempts of the day"
            );
            ensure!(
                standing["daily_matches"] == i64::from(team.matched),
                "matches of the day"
            );
            average(&standing["average_guesses"], team.total, team.matches)?;
            let took = (self.now - team.round_started_at).num_seconds();
            ensure!(int(&data["day_duration"])? == took, "how long it took");
        }
        self.teams.values_mut().for_each(|team| team.open = false);
        self.round_open = false;
        Ok(())
    }
}
