//! The tables of games. Times are microseconds since 1970, and a truth is 1 or 0.

use crate::projection::tables::Layout;

pub(in crate::projection) static LAYOUT: Layout = Layout {
    tables: &[
        "game",
        "game_player",
        "guess",
        "round",
        "player_result",
        "team_result",
        "replay",
    ],
    creations: &[
        "CREATE TABLE {game} (
            game_id {text} NOT NULL PRIMARY KEY, guild_id {text}, mode {text}, phase {text},
            is_active INTEGER NOT NULL, started_at BIGINT, finished_at BIGINT, last_activity BIGINT,
            first_position BIGINT NOT NULL, position BIGINT NOT NULL, stream_version INTEGER NOT NULL,
            state {text} NOT NULL, figures {text})",
        // Who is in which game, or was.
        "CREATE TABLE {game_player} (
            game_id {text} NOT NULL, user_id {text} NOT NULL, guild_id {text}, team_id {text},
            is_active INTEGER NOT NULL, first_position BIGINT NOT NULL, PRIMARY KEY (game_id, user_id))",
        "CREATE TABLE {guess} (
            game_id {text} NOT NULL, sequence INTEGER NOT NULL, guild_id {text}, mode {text},
            round_number INTEGER NOT NULL, team_id {text} NOT NULL, player1_id {text} NOT NULL,
            player2_id {text} NOT NULL, pair_id {text} NOT NULL, player1_word {text}, player2_word {text},
            folded1_word {text}, folded2_word {text}, outcome {text} NOT NULL, match_score INTEGER,
            guess_count INTEGER NOT NULL, attempt_ms INTEGER, at BIGINT NOT NULL, event_id {text} NOT NULL,
            stream_version INTEGER NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (game_id, sequence))",
        "CREATE TABLE {round} (
            game_id {text} NOT NULL, round_number INTEGER NOT NULL, team_id {text} NOT NULL, guild_id {text},
            attempts INTEGER NOT NULL, matches INTEGER NOT NULL, abandoned INTEGER NOT NULL,
            is_perfect INTEGER NOT NULL, duration_ms BIGINT, started_at BIGINT NOT NULL, finished_at BIGINT,
            PRIMARY KEY (game_id, round_number, team_id))",
        "CREATE TABLE {player_result} (
            game_id {text} NOT NULL, user_id {text} NOT NULL, guild_id {text}, mode {text} NOT NULL,
            team_id {text} NOT NULL, partner_id {text}, has_won INTEGER NOT NULL, score INTEGER NOT NULL,
            guesses INTEGER NOT NULL, matches INTEGER NOT NULL, abandoned INTEGER NOT NULL, best_match INTEGER,
            perfect_rounds INTEGER NOT NULL, response_ms_sum BIGINT NOT NULL, response_count INTEGER NOT NULL,
            finished_at BIGINT NOT NULL, completed_at BIGINT NOT NULL, PRIMARY KEY (game_id, user_id))",
        "CREATE TABLE {team_result} (
            game_id {text} NOT NULL, team_id {text} NOT NULL, guild_id {text}, mode {text} NOT NULL,
            pair_id {text}, player_ids {text} NOT NULL, has_won INTEGER NOT NULL, score INTEGER NOT NULL,
            guesses INTEGER NOT NULL, matches INTEGER NOT NULL, abandoned INTEGER NOT NULL,
            perfect_rounds INTEGER NOT NULL, round_ms_sum BIGINT NOT NULL, round_count INTEGER NOT NULL,
            eliminated {text}, finished_at BIGINT NOT NULL, completed_at BIGINT NOT NULL,
            PRIMARY KEY (game_id, team_id))",
        "CREATE TABLE {replay} (
            game_id {text} NOT NULL PRIMARY KEY, display_name {text} NOT NULL UNIQUE, guild_id {text},
            mode {text} NOT NULL, started_at BIGINT NOT NULL, finished_at BIGINT NOT NULL,
            event_count INTEGER NOT NULL, first_position BIGINT NOT NULL, base {text} NOT NULL,
            mode_figures {text} NOT NULL, schema_versions {text} NOT NULL)",
    ],
    indexes: &[
        "CREATE INDEX IF NOT EXISTS {game_first_index} ON {game} (first_position)",
        "CREATE INDEX IF NOT EXISTS {game_guild_index} ON {game} (guild_id, first_position)",
        "CREATE INDEX IF NOT EXISTS {game_active_index} ON {game} (guild_id, first_position)
            WHERE is_active = 1",
        "CREATE INDEX IF NOT EXISTS {game_player_index} ON {game_player} (user_id, first_position)",
        "CREATE INDEX IF NOT EXISTS {game_player_active_index} ON {game_player} (user_id) WHERE is_active = 1",
        "CREATE INDEX IF NOT EXISTS {guess_player1_index} ON {guess} (player1_id, position)",
        "CREATE INDEX IF NOT EXISTS {guess_player2_index} ON {guess} (player2_id, position)",
        "CREATE INDEX IF NOT EXISTS {guess_team_index} ON {guess} (team_id, position)",
        "CREATE INDEX IF NOT EXISTS {guess_pair_index} ON {guess} (pair_id, position)",
        "CREATE INDEX IF NOT EXISTS {guess_word1_index} ON {guess} (folded1_word, position)",
        "CREATE INDEX IF NOT EXISTS {guess_word2_index} ON {guess} (folded2_word, position)",
        "CREATE INDEX IF NOT EXISTS {player_result_user_index} ON {player_result} (user_id, guild_id, completed_at)",
        "CREATE INDEX IF NOT EXISTS {player_result_guild_index} ON {player_result} (guild_id, completed_at)",
        "CREATE INDEX IF NOT EXISTS {team_result_team_index} ON {team_result} (team_id, guild_id, completed_at)",
        "CREATE INDEX IF NOT EXISTS {team_result_guild_index} ON {team_result} (guild_id, completed_at)",
        "CREATE INDEX IF NOT EXISTS {replay_guild_index} ON {replay} (guild_id, first_position)",
    ],
};
