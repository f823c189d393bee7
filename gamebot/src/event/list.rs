//! The list of all event types. Whatever must name each of them is made from this list.

/// Calls the macro `$callback` with every event type of the catalogue, in the order of the
/// catalogue.
///
/// An entry is the Rust type, the name of the event type, its classes, its status, the categories
/// of the streams it stands in, and the modes in which it occurs:
///
/// ```text
/// GuessProcessed = "guess_processed": [State] Core [Game] [all];
/// ```
///
/// Who wants only some of it takes the rest as `tt`. A macro can in this way make an enum with a
/// variant for each event type without a list of its own:
///
/// ```
/// macro_rules! names {
///     ($($payload:ident = $name:literal: $classes:tt $status:ident $streams:tt $modes:tt;)+) => {
///         const NAMES: &[&str] = &[$($name),+];
///     };
/// }
/// gamebot::for_each_event_type!(names);
/// assert_eq!(NAMES, gamebot::event::Event::EVENT_TYPES);
/// ```
#[macro_export]
macro_rules! for_each_event_type {
    ($callback:ident) => {
        $callback! {
            GameCreated = "game_created": [Lobby] Defined [Game] [all];
            GameModeChanged = "game_mode_changed": [Lobby] Proposed [Game] [all];
            GameConfigChanged = "game_config_changed": [Lobby] Proposed [Game] [all];
            GameStarted = "game_started": [State] Core [Game] [all];

            PlayerJoined = "player_joined": [Lobby State] Earlier [Game] [all];
            PlayerLeft = "player_left": [Lobby State] Proposed [Game] [all];
            PlayerStatusChanged = "player_status_changed": [State] Proposed [Game] [all];

            RoundStarted = "round_started": [State] Core [Game] [all];
            RoundRestarted = "round_restarted": [State] Defined [Game] [Race GolfRace];
            RoundCompleted = "round_completed": [State] Defined [Game] [TwoPlayer Race GolfRace];
            RoundEnded = "round_ended": [State] Earlier [Game] [TwoPlayer];

            GuessStarted = "guess_started": [State] Defined [Game] [all];
            GuessProcessed = "guess_processed": [State] Core [Game] [all];
            GuessAbandoned = "guess_abandoned": [State] Core [Game] [all];

            TeamEliminated = "team_eliminated": [State] Core [Game] [Knockout Race GolfRace Longform];
            KnockoutRoundCompleted = "knockout_round_completed": [State] Core [Game] [Knockout];
            RaceTimeWarning = "race_time_warning": [State] Proposed [Game] [Race GolfRace];
            RaceModeTimeExpired = "race_mode_time_expired": [State] Core [Game] [Race GolfRace];
            GolfRacePointsAwarded = "golf_race_points_awarded": [State] Proposed [Game] [GolfRace];
            LongformDayEnded = "longform_day_ended": [State] Defined [Game] [Longform];
            TwoPlayerResultEvaluated = "two_player_result_evaluated": [State] Proposed [Game] [TwoPlayer];

            GamePaused = "game_paused": [State] Proposed [Game] [all];
            GameResumed = "game_resumed": [State] Proposed [Game] [all];
            GameCompleted = "game_completed": [State] Core [Game] [all];
            GameAborted = "game_aborted": [State] Proposed [Game] [all];
            GameArchived = "game_archived": [Archival] Proposed [Game] [all];

            TeamInvitationCreated = "team_invitation_created": [State] Earlier [Team] [];
            TeamInvitationAccepted = "team_invitation_accepted": [State] Earlier [Team] [];
            TeamInvitationDeclined = "team_invitation_declined": [State] Earlier [Team] [];
            TeamInvitationExpired = "team_invitation_expired": [State] Proposed [Team] [];
            TeamCreated = "team_created": [State] Defined [Team] [];
            TeamUpdated = "team_updated": [State] Defined [Team] [];
            TeamMemberAdded = "team_member_added": [State] Defined [Team] [];
            TeamMemberRemoved = "team_member_removed": [State] Defined [Team] [];
            TeamDisbanded = "team_disbanded": [State] Proposed [Team] [];

            UserRegistered = "user_registered": [State] Defined [Player] [];
            UserProfileUpdated = "user_profile_updated": [State] Defined [Player] [];
            UserPreferencesChanged = "user_preferences_changed": [State] Defined [Player] [];

            GuildConfigChanged = "guild_config_changed": [State] Proposed [Guild] [];
            GameVariationDefined = "game_variation_defined": [State] Proposed [Guild] [];
            GameVariationRetired = "game_variation_retired": [State] Proposed [Guild] [];

            CommandError = "command_error": [Observation] Defined [Gamelog Botlog] [];
            SystemError = "system_error": [Observation] Defined [Gamelog Botlog] [];
            GuessError = "guess_error": [Observation] Earlier [Gamelog] [];
            GuessPairError = "guess_pair_error": [Observation] Earlier [Gamelog] [];
            GameError = "game_error": [Observation] Earlier [Gamelog] [];
            RoundCheckError = "round_check_error": [Observation] Earlier [Gamelog] [];
            SessionRecoveryStarted = "session_recovery_started": [Observation] Proposed [Gamelog] [];
            SessionRecovered = "session_recovered": [Observation] Proposed [Gamelog] [];
            SessionRecoveryFailed = "session_recovery_failed": [Observation] Proposed [Gamelog] [];
            EventQuarantined = "event_quarantined": [Observation] Proposed [Gamelog Botlog] [];
        }
    };
}
