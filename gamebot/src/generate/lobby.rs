//! The time before a game starts: a lobby is opened, the last players join, something is changed.

use serde_json::{Value, json};

use super::{
    GeneratedMode,
    community::Player,
    game::{FORBIDDEN_WORDS_LIMIT, Game},
    pen::{Trigger, timestamp},
    team_play::TeamPlay,
};

/// Opens the lobby, and fills it with everybody who plays. `config` is the configuration with
/// which the game is to start. It takes at most 6 events.
pub(super) fn open(game: &mut Game<'_>, teams: &[TeamPlay], creator: &Player, config: &Value) {
    // The last team signs up while the lobby is open, all others have done so before.
    let Some((late, early)) = teams.split_last() else {
        return;
    };
    let mode = game.mode;
    match game.random.index(3) {
        0 => {
            create(game, early, creator, config);
            join(game, late);
        }
        1 => {
            let mut first = config.clone();
            first["forbidden_words_limit"] = (FORBIDDEN_WORDS_LIMIT - 2).into();
            create(game, early, creator, &first);
            join(game, late);
            change_config(game, creator, config);
        }
        _ => {
            game.mode = other_mode(mode);
            create(game, early, creator, &json!({}));
            join(game, late);
            change_mode(game, creator, mode, config);
        }
    }
}

fn create(game: &mut Game<'_>, signed_up: &[TeamPlay], creator: &Player, config: &Value) {
    let data = json!({
        "created_by": creator.id,
        "created_at": timestamp(game.now()),
        "team_ids": signed_up.iter().map(|play| &play.team.id).collect::<Vec<_>>(),
        "config": config,
    });
    let at = game.soon(3, 9);
    game.write("game_created", 1, at, data, &Trigger::Command(creator));
}

fn join(game: &mut Game<'_>, play: &TeamPlay) {
    for player in &play.team.players {
        let joined_at = game.soon(2_000, 15_000);
        let data = json!({
            "player_id": player.id,
            "username": player.username(),
            "team_id": play.team.id,
            "joined_at": timestamp(joined_at),
            "rejoin": false,
        });
        game.write(
            "player_joined",
            1,
            joined_at,
            data,
            &Trigger::Command(player),
        );
    }
}

fn change_config(game: &mut Game<'_>, creator: &Player, config: &Value) {
    game.config_version = 2;
    let change = json!({
        "key": "forbidden_words_limit",
        "old": FORBIDDEN_WORDS_LIMIT - 2,
        "new": FORBIDDEN_WORDS_LIMIT,
    });
    let data = json!({
        "config_version": 2,
        "previous_config_version": 1,
        "changes": [change],
        "config": config,
        "variation_id": null,
        "changed_by": creator.id,
        "reason": null,
    });
    let at = game.soon(3_000, 9_000);
    game.write(
        "game_config_changed",
        1,
        at,
        data,
        &Trigger::Command(creator),
    );
}

fn change_mode(game: &mut Game<'_>, creator: &Player, mode: GeneratedMode, config: &Value) {
    let previous_mode = game.mode;
    game.mode = mode;
    game.config_version = 2;
    let data = json!({
        "previous_mode": previous_mode.as_str(),
        "new_mode": mode.as_str(),
        "config": config,
        "config_version": 2,
        "changed_by": creator.id,
    });
    let at = game.soon(3_000, 9_000);
    game.write("game_mode_changed", 1, at, data, &Trigger::Command(creator));
}

fn other_mode(mode: GeneratedMode) -> GeneratedMode {
    match mode {
        GeneratedMode::Race => GeneratedMode::GolfRace,
        GeneratedMode::Knockout => GeneratedMode::Longform,
        GeneratedMode::TwoPlayer | GeneratedMode::GolfRace | GeneratedMode::Longform => {
            GeneratedMode::Race
        }
    }
}
