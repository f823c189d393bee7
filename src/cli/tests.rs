use clap::CommandFactory as _;

use super::*;
use crate::config::Config;
use settings::SettingsArguments;

fn command(line: &[&str]) -> Command {
    let line = ["gamebot-event-store"].iter().chain(line);
    CommandLine::try_parse_from(line).unwrap().command
}

fn variables(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The exit code of a command line, in an environment that is empty.
fn exit_code(line: &[&str]) -> ExitCode {
    let line = ["gamebot-event-store"]
        .iter()
        .chain(line)
        .map(OsString::from);
    run(line, [])
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_explains_itself_and_most_by_examples() {
    let mut definition = CommandLine::command();
    definition.build();
    assert!(
        definition
            .clone()
            .render_long_help()
            .to_string()
            .contains("Examples:")
    );
    for subcommand in definition
        .get_subcommands_mut()
        .filter(|it| it.get_name() != "help")
    {
        assert!(
            subcommand.get_about().is_some(),
            "{}",
            subcommand.get_name()
        );
        if subcommand.get_name() != "schema" {
            let help = subcommand.render_long_help().to_string();
            assert!(help.contains("Examples:\n  gamebot-event-store"), "{help}");
            assert!(help.contains("Usage:"), "{help}");
        }
    }
}

#[test]
fn the_long_help_says_more_than_the_short_one() {
    let mut definition = CommandLine::command();
    definition.build();
    for (name, promise) in [
        ("serve", "subscribers are told to come back"),
        ("play", "Playing the same games twice is harmless"),
        ("tail", "no event is missed, and none comes twice"),
        ("health", "1 if it is not or does not answer"),
    ] {
        let help = definition
            .find_subcommand_mut(name)
            .unwrap()
            .render_long_help()
            .to_string();
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").contains(promise), "{help}");
    }
}

#[test]
fn flags_of_serve_win_over_the_environment() {
    let line = [
        "serve",
        "--listen",
        "127.0.0.1:5",
        "--database-url",
        "sqlite://x.db",
        "--profile",
        "prod",
    ];
    let Command::Serve(arguments) = command(&line) else {
        panic!("serve is expected")
    };
    let environment = variables(&[
        ("LISTEN", "127.0.0.1:6"),
        ("DATABASE_URL", "sqlite://y.db"),
        ("PROFILE", "test"),
    ]);
    let config = arguments.load(&environment).unwrap();
    assert_eq!(config.server.listen.port(), 5);
    assert_eq!(config.database.url.expose(), "sqlite://x.db");
    assert_eq!(config.profile.name(), "prod");
    let error = arguments
        .load(&variables(&[("GAMEBOT_LOG_LEVEL", "loud")]))
        .unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn migrate_goes_up_unless_told_otherwise() {
    let action = |line: &[&str]| match command(line) {
        Command::Migrate(arguments) => arguments.action(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        action(&["migrate"]),
        migrate::MigrateAction::Up { steps: None }
    );
    assert_eq!(
        action(&["migrate", "up", "1"]),
        migrate::MigrateAction::Up { steps: Some(1) }
    );
    assert_eq!(
        action(&["migrate", "down", "2"]),
        migrate::MigrateAction::Down {
            steps: 2,
            yes: false
        }
    );
    assert_eq!(
        action(&["migrate", "status", "--profile", "test"]),
        migrate::MigrateAction::Status
    );
    for wrong in [
        &["migrate", "down"][..],
        &["migrate", "down", "0"],
        &["migrate", "up", "0"],
        &["migrate", "sideways"],
    ] {
        assert_eq!(exit_code(wrong), ExitCode::from(2), "{wrong:?}");
    }
}

#[test]
fn exit_codes_tell_success_from_usage() {
    assert_eq!(exit_code(&["--help"]), ExitCode::SUCCESS);
    assert_eq!(exit_code(&["--version"]), ExitCode::SUCCESS);
    assert_eq!(exit_code(&["config"]), ExitCode::SUCCESS);
    assert_eq!(
        exit_code(&["config", "--profile", "nonsense"]),
        ExitCode::from(2)
    );
    assert_eq!(exit_code(&[]), ExitCode::from(2));
    assert_eq!(exit_code(&["dance"]), ExitCode::from(2));
    assert_eq!(
        exit_code(&["play", "--listen", "127.0.0.1:0"]),
        ExitCode::from(2)
    );
}

#[test]
fn every_error_has_its_exit_code_and_a_closed_pipe_is_none() {
    let address = crate::client::Endpoint::parse("https://x").unwrap_err();
    assert_eq!(CliError::from(address).exit_code(), 2);
    assert_eq!(CliError::Failed("no".to_owned()).exit_code(), 1);
    assert_eq!(CliError::Usage("no".to_owned()).exit_code(), 2);
    let closed = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!((closed.exit_code(), closed.message()), (0, None));
    let full = CliError::from(io::Error::from(io::ErrorKind::StorageFull));
    assert_eq!(full.exit_code(), 1);
    assert!(full.message().is_some());
}

#[test]
fn config_prints_origins_or_the_reference() {
    let print = |line: &[&str], environment: &Environment| {
        let Command::Config(arguments) = command(line) else {
            panic!("config is expected")
        };
        let mut out = Vec::new();
        show_config::run(&arguments, environment, &mut out)
            .map(|()| String::from_utf8(out).unwrap())
    };
    let environment = variables(&[("DATABASE_URL", "postgres://u:s3cret@db/n")]);
    let text = print(&["config"], &environment).unwrap();
    assert!(text.contains("# the variable DATABASE_URL"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    let text = print(&["config", "--reference"], &Environment::new()).unwrap();
    assert!(text.contains("| `append.deadline_ms` | `10000` | `GAMEBOT_APPEND_DEADLINE_MS` |"));
}

#[cfg(unix)]
#[test]
fn a_variable_of_ours_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let bad = || OsString::from_vec(vec![0xff]);
    let refused = settings::environment([(OsString::from("DATABASE_URL"), bad())]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the variable DATABASE_URL is not UTF-8"
    );
    let passed = settings::environment([(OsString::from("OTHER"), bad()), (bad(), bad())]);
    assert_eq!(passed.unwrap(), Environment::new());
}

fn reset(yes: bool, profile: &str) -> String {
    let settings = SettingsArguments {
        profile: Some(profile.to_owned()),
        database_url: Some("postgres://u:s3cret@db/games".to_owned()),
        ..SettingsArguments::default()
    };
    let config: Config = settings.load(&Environment::new()).unwrap();
    let arguments = reset::ResetArguments { yes, settings };
    let outcome = block_on(async {
        let mut out = Vec::new();
        reset::run(&arguments, &config, &mut out).await
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn reset_deletes_nothing_without_yes_and_nothing_under_prod() {
    let message = reset(false, "dev");
    assert!(message.contains("postgres://u:***@db/games"), "{message}");
    assert!(message.contains("--yes"), "{message}");
    assert!(reset(true, "prod").contains("refused under the profile prod"));
}
