//! The streams of a community: how its servers were set up, its teams formed, its players met.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    community::{Community, Guild, Player, Team},
    pen::{Pen, Trigger, data, timestamp},
    random::Random,
    words::WORDS,
};
use crate::script::StreamScript;

const DAY_SECONDS: i32 = 86_400;
const INVITATION_SECONDS: i32 = 300;
/// The days before the start of the games between which servers are set up, players come, and
/// teams are formed. Each takes less than the days to the next.
const SERVER_DAYS: i32 = 60;
const PLAYER_DAYS: i32 = 50;
const TEAM_DAYS: i32 = 20;

/// All streams of the community: server by server its own, then its players', then its teams'.
pub(super) fn write(
    community: &Community,
    mut random: Random,
    start: DateTime<Utc>,
) -> Vec<StreamScript> {
    let start = start.trunc_subsecs(6);
    let mut streams = Vec::new();
    for guild in &community.guilds {
        streams.push(Stream::new(guild, random.fork(), start, SERVER_DAYS).guild());
        for player in guild.teams.iter().flat_map(|team| &team.players) {
            streams.push(Stream::new(guild, random.fork(), start, PLAYER_DAYS).player(player));
        }
        for team in &guild.teams {
            streams.push(Stream::new(guild, random.fork(), start, TEAM_DAYS).team(team));
        }
    }
    streams
}

/// A stream that begins some days before the start of the games.
struct Stream<'guild> {
    random: Random,
    guild: &'guild Guild,
    pen: Pen<'guild>,
}

impl<'guild> Stream<'guild> {
    /// The stream begins within the first 10 of these days.
    fn new(guild: &'guild Guild, mut random: Random, start: DateTime<Utc>, days: i32) -> Self {
        let seconds = days * DAY_SECONDS - random.between(0, 10 * DAY_SECONDS);
        let micros = random.between(0, 999_999);
        let begin = start - TimeDelta::seconds(i64::from(seconds))
            + TimeDelta::microseconds(i64::from(micros));
        let correlation_id = random.uuid_v4();
        Self {
            pen: Pen::new(guild, correlation_id, begin),
            random,
            guild,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.pen.clock
    }

    /// Lets some seconds pass.
    fn wait(&mut self, low: i32, high: i32) {
        let millis = self.random.between(low * 1_000, high * 1_000);
        self.pen.clock += TimeDelta::milliseconds(i64::from(millis));
    }

    /// Lets up to two days pass, after which something new begins.
    fn pass_time(&mut self) {
        self.wait(3_600, 2 * DAY_SECONDS);
        self.pen.correlation_id = self.random.uuid_v4();
    }

    fn write(&mut self, event_type: &'static str, own: Value, trigger: &Trigger<'_>) {
        let base = [("guild_id", self.guild.id.as_str().into())];
        let data = data(base, own, self.pen.clock);
        self.pen.write(&mut self.random, event_type, data, trigger);
    }

    fn finish(self, stream_name: String) -> StreamScript {
        StreamScript {
            stream_name,
            events: self.pen.events,
        }
    }

    /// The server sets the time of its races, once or more, and may define a variation of them.
    fn guild(mut self) -> StreamScript {
        let admin = &self.guild.teams[0].players[0];
        let mut seconds = Value::Null;
        for version in 1..=self.random.between(1, 3) {
            let new_seconds: Value = (60 * (1 + version)).into();
            let own = json!({
                "mode": "race",
                "config_version": version,
                "changes": [{ "key": "time_limit_seconds", "old": seconds, "new": new_seconds }],
                "config": { "time_limit_seconds": new_seconds, "allow_give_up": true },
                "changed_by": admin.id,
            });
            self.write("guild_config_changed", own, &Trigger::Admin(admin));
            seconds = new_seconds;
            self.pass_time();
        }
        if self.random.chance(75) {
            self.variation(admin);
        }
        let name = format!("guild-{}", self.guild.id);
        self.finish(name)
    }

    fn variation(&mut self, admin: &Player) {
        let variation_id = self.random.uuid_v7(self.now());
        let own = json!({
            "variation_id": variation_id,
            "name": "Sprint",
            "base_mode": "race",
            "config": { "time_limit_seconds": 60 },
            "config_version": 1,
            "defined_by": admin.id,
        });
        self.write("game_variation_defined", own, &Trigger::Admin(admin));
        if self.random.chance(50) {
            self.pass_time();
            let own = json!({
                "variation_id": variation_id, "retired_by": admin.id, "reason": "too short",
            });
            self.write("game_variation_retired", own, &Trigger::Admin(admin));
        }
    }

    /// The player is met for the first time, and may change the profile or the preferences.
    fn player(mut self, player: &Player) -> StreamScript {
        let username = player.username();
        let display_name = self.random.chance(50).then(|| spoken(&username));
        let own = json!({
            "user_id": player.id,
            "username": username,
            "display_name": display_name,
            "created_at": timestamp(self.now()),
        });
        self.write("user_registered", own, &Trigger::Command(player));
        for _ in 0..self.random.between(0, 2) {
            self.pass_time();
            let word = WORDS[self.random.index(WORDS.len())];
            let own = json!({
                "user_id": player.id,
                "display_name": self.random.chance(80).then(|| spoken(word)),
                "updated_at": timestamp(self.now()),
            });
            self.write("user_profile_updated", own, &Trigger::Command(player));
        }
        if self.random.chance(30) {
            self.pass_time();
            let own = json!({
                "user_id": player.id,
                "notification_settings": { "invitations": true, "results": false },
                "ui_preferences": { "theme": "dark" },
                "updated_at": timestamp(self.now()),
            });
            self.write("user_preferences_changed", own, &Trigger::Message(player));
        }
        let name = format!("player-{}_{}", self.guild.id, player.id);
        self.finish(name)
    }

    /// One player invites the other, now and then more than once, until the team is there.
    fn team(mut self, team: &Team) -> StreamScript {
        let first = self.random.index(2);
        let (asking, asked) = (&team.players[first], &team.players[1 - first]);
        let name = self.team_name();
        if self.random.chance(20) {
            let invitation_id = self.invite(asking, asked, Some(&name));
            self.refuse(&invitation_id, asked);
            self.pass_time();
        }
        let proposed_name = self.random.chance(60).then_some(name.as_str());
        let invitation_id = self.invite(asking, asked, proposed_name);
        self.wait(5, INVITATION_SECONDS - 1);
        let own = json!({
            "invitation_id": invitation_id,
            "team_id": team.id,
            "accepted_by": asked.id,
            "accepted_at": timestamp(self.now()),
        });
        self.write("team_invitation_accepted", own, &Trigger::Command(asked));
        let own = json!({
            "team_id": team.id,
            "name": name,
            "player_ids": [team.players[0].id, team.players[1].id],
            "created_at": timestamp(self.now()),
        });
        self.write("team_created", own, &Trigger::LastEvent);
        if self.random.chance(25) {
            self.rename(team, asking, &name);
        }
        let name = format!("team-{}_{}", self.guild.id, team.id);
        self.finish(name)
    }

    /// Writes `team_invitation_created`, and answers the id of the invitation.
    fn invite(&mut self, asking: &Player, asked: &Player, name: Option<&str>) -> String {
        let invitation_id = self.random.uuid_v7(self.now());
        let expires_at = self.now() + TimeDelta::seconds(i64::from(INVITATION_SECONDS));
        let own = json!({
            "invitation_id": invitation_id,
            "inviter_id": asking.id,
            "invitee_id": asked.id,
            "proposed_name": name,
            "created_at": timestamp(self.now()),
            "expires_at": timestamp(expires_at),
        });
        self.write("team_invitation_created", own, &Trigger::Command(asking));
        invitation_id
    }

    /// The invitation comes to nothing: who was asked says so, or says nothing.
    fn refuse(&mut self, invitation_id: &str, asked: &Player) {
        if self.random.chance(50) {
            self.wait(5, INVITATION_SECONDS - 1);
            let own = json!({
                "invitation_id": invitation_id,
                "declined_at": timestamp(self.now()),
                "reason": "not now",
            });
            self.write("team_invitation_declined", own, &Trigger::Command(asked));
        } else {
            self.wait(INVITATION_SECONDS, INVITATION_SECONDS + 1);
            let own = json!({
                "invitation_id": invitation_id, "expired_at": timestamp(self.now()),
            });
            self.write(
                "team_invitation_expired",
                own,
                &Trigger::Timer("invitation"),
            );
        }
    }

    fn rename(&mut self, team: &Team, player: &Player, previous_name: &str) {
        self.pass_time();
        let name = self.team_name();
        if name == previous_name {
            return;
        }
        let own = json!({
            "team_id": team.id,
            "name": name,
            "previous_name": previous_name,
            "updated_at": timestamp(self.now()),
        });
        self.write("team_updated", own, &Trigger::Command(player));
    }

    /// Two words, 9 to 18 characters.
    fn team_name(&mut self) -> String {
        let words = self.random.indices(WORDS.len(), 2);
        format!("{} {}", spoken(WORDS[words[0]]), spoken(WORDS[words[1]]))
    }
}

/// With a capital letter, and without underscores.
fn spoken(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
