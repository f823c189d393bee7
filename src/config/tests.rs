use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::layers::{DEFAULTS, Layers, variable_of};
use super::*;

fn from_environment(variables: &[(&str, &str)]) -> Sources {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Sources {
        environment,
        ..Sources::default()
    }
}

fn from_file(text: &str) -> (Sources, NamedTempFile) {
    let file = file_with(text);
    (
        Sources {
            file: Some(file.path().to_owned()),
            ..Sources::default()
        },
        file,
    )
}

fn file_with(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn flag(name: &str, setting: &str, value: &str) -> FlagValue {
    FlagValue {
        flag: name.to_owned(),
        setting: setting.to_owned(),
        value: value.to_owned(),
    }
}

fn refusal(sources: &Sources) -> String {
    Config::load(sources)
        .expect_err("these settings must be refused")
        .to_string()
}

fn refusal_of(variables: &[(&str, &str)]) -> String {
    refusal(&from_environment(variables))
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let config = Config::load(&Sources::default()).unwrap();
    assert_eq!(config.profile, Profile::Dev);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.server.body_limit_bytes, 4_194_304);
    assert_eq!(
        config.server.stalled_client_timeout,
        Duration::from_secs(30)
    );
    assert_eq!(config.database.url.expose(), "sqlite://data/gamebot.db");
    assert_eq!(config.database.url.backend(), Backend::Sqlite);
    assert_eq!(config.append.deadline, Duration::from_secs(10));
    assert_eq!(config.subscription.hub_capacity_events, 1024);
    assert_eq!(config.graphql.page_max, 1000);
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn every_documented_setting_is_read_and_explained() {
    let documented: BTreeSet<String> = Layers::read(&Sources::default())
        .unwrap()
        .names()
        .map(str::to_owned)
        .collect();
    let read: BTreeSet<String> = reference::default_rules().unwrap().into_keys().collect();
    assert_eq!(documented, read);
    for line in render_reference().unwrap().lines().skip(2) {
        assert!(!line.ends_with("|  |"), "no reason is given: {line}");
    }
}

#[test]
fn a_later_source_wins() {
    let (mut sources, _file) = from_file("[log]\nlevel = \"debug\"\n");
    sources.profile = Some("test".to_owned());
    assert_eq!(Config::load(&sources).unwrap().log.level, "debug");

    sources
        .environment
        .insert("GAMEBOT_LOG_LEVEL".to_owned(), "error".to_owned());
    assert_eq!(Config::load(&sources).unwrap().log.level, "error");

    sources
        .flags
        .push(flag("--log-level", "log.level", "trace"));
    assert_eq!(Config::load(&sources).unwrap().log.level, "trace");
}

#[test]
fn a_profile_wins_over_the_defaults_and_a_file_over_the_profile() {
    let mut sources = from_environment(&[("PROFILE", "test")]);
    assert_eq!(
        Config::load(&sources).unwrap().database.url.expose(),
        "sqlite://data/test.db"
    );

    let file = file_with("[database]\nurl = \"sqlite://elsewhere.db\"\n");
    sources
        .environment
        .insert("CONFIG_FILE".to_owned(), path_text(file.path()));
    assert_eq!(
        Config::load(&sources).unwrap().database.url.expose(),
        "sqlite://elsewhere.db"
    );
}

#[test]
fn a_database_in_memory_is_refused_since_its_connections_would_not_share_it() {
    for url in ["sqlite::memory:", "sqlite://games.db?mode=memory"] {
        let error = Config::load(&from_environment(&[("DATABASE_URL", url)]));
        let message = error.unwrap_err().to_string();
        assert!(message.contains("sqlite://PATH"), "{url}: {message}");
    }
}

#[test]
fn flags_for_profile_and_file_win_over_their_variables() {
    let file = file_with("[graphql]\ndepth = 9\n");
    let mut sources = from_environment(&[("PROFILE", "nonsense"), ("CONFIG_FILE", "/nowhere")]);
    sources.profile = Some("prod".to_owned());
    sources.file = Some(file.path().to_owned());
    let config = Config::load(&sources).unwrap();
    assert_eq!((config.profile, config.graphql.depth), (Profile::Prod, 9));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn every_profile_can_be_loaded() {
    for profile in Profile::ALL {
        let config = Config::load(&from_environment(&[("PROFILE", profile.name())])).unwrap();
        assert_eq!(config.profile, profile);
    }
    assert_eq!(
        refusal_of(&[("PROFILE", "production")]),
        "the setting profile is \"production\" (from the variable PROFILE), \
         which is not allowed: give dev, test, prod"
    );
}

#[test]
fn every_setting_can_be_overridden_by_its_variable() {
    let defaults = Layers::read(&Sources::default()).unwrap();
    for name in defaults.names() {
        let variable = variable_of(name);
        let sources = from_environment(&[(&variable, "\u{1}")]);
        let layers = Layers::read(&sources).unwrap();
        assert_eq!(layers.get(name).unwrap().origin, Origin::Variable(variable));
    }
    let config = Config::load(&from_environment(&[
        ("LISTEN", "127.0.0.1:9"),
        ("DATABASE_URL", "postgres://db/games"),
        ("GAMEBOT_APPEND_DEADLINE_MS", "1500"),
        ("GAMEBOT_GRAPHQL_INTROSPECTION", "false"),
        (
            "GAMEBOT_SERVER_ALLOWED_ORIGINS",
            "https://a.example, http://b.example:8080",
        ),
    ]))
    .unwrap();
    assert_eq!(config.server.listen.port(), 9);
    assert_eq!(config.database.url.backend(), Backend::Postgres);
    assert_eq!(config.append.deadline, Duration::from_millis(1500));
    assert!(!config.graphql.introspection);
    assert_eq!(
        config.server.allowed_origins,
        ["https://a.example", "http://b.example:8080"]
    );
}

#[test]
fn an_empty_variable_counts_as_not_given() {
    let config = Config::load(&from_environment(&[
        ("PROFILE", ""),
        ("CONFIG_FILE", ""),
        ("DATABASE_URL", ""),
        ("GAMEBOT_APPEND_MAX_EVENTS", ""),
    ]))
    .unwrap();
    assert_eq!(config.append.max_events, 1000);
    assert_eq!(config.database.url.expose(), "sqlite://data/gamebot.db");
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    let sources = from_environment(&[("PATH", "/bin"), ("HOST", "x"), ("GAMEBOTS", "y")]);
    assert!(Config::load(&sources).is_ok());
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_everything_needed_to_repair_it() {
    assert_eq!(
        refusal_of(&[("GAMEBOT_APPEND_DEADLINE_MS", "10s")]),
        "the setting append.deadline_ms is \"10s\" (from the variable GAMEBOT_APPEND_DEADLINE_MS), \
         which is not allowed: give a whole number from 100 to 3600000 (milliseconds)"
    );
    let (sources, file) = from_file("[append]\nmax_events = \"many\"\n");
    assert_eq!(
        refusal(&sources),
        format!(
            "the setting append.max_events is \"many\" (from the file {}), \
             which is not allowed: give a whole number from 1 to 10000 (events)",
            file.path().display()
        )
    );
    let sources = Sources {
        flags: vec![flag("--listen", "server.listen", "4000")],
        ..Sources::default()
    };
    assert_eq!(
        refusal(&sources),
        "the setting server.listen is \"4000\" (from the flag --listen), which is not allowed: \
         give an IP address and a port, such as 127.0.0.1:4000 or [::1]:4000"
    );
    for (variable, value) in [
        ("GAMEBOT_SERVER_ALLOW_REMOTE", "yes"),
        ("GAMEBOT_LOG_FORMAT", "xml"),
        ("GAMEBOT_LOG_LEVEL", "inf"),
        ("GAMEBOT_APPEND_MAX_EVENTS", "-1"),
        ("GAMEBOT_APPEND_MAX_EVENTS", "1.5"),
        ("GAMEBOT_SERVER_ALLOWED_ORIGINS", "panel.example"),
        (
            "GAMEBOT_SERVER_ALLOWED_ORIGINS",
            "https://panel.example/path",
        ),
        ("GAMEBOT_SERVER_ALLOWED_ORIGINS", "https://a.example,"),
        ("DATABASE_URL", "mysql://localhost/games"),
        ("DATABASE_URL", "sqlite://"),
    ] {
        let message = refusal_of(&[(variable, value)]);
        assert!(message.contains(variable), "{variable}={value}: {message}");
        assert!(
            message.contains("not allowed: give "),
            "{variable}={value}: {message}"
        );
    }
}

/// Reads the bounds out of the rules that the code enforces, and tries both sides of each.
#[test]
fn every_number_is_held_to_its_bounds() {
    let mut tried = 0;
    for (name, rule) in reference::default_rules().unwrap() {
        let Some(bounds) = rule.allowed.strip_prefix("a whole number from ") else {
            continue;
        };
        let words: Vec<&str> = bounds.split(' ').collect();
        let (least, most): (i64, i64) = (words[0].parse().unwrap(), words[2].parse().unwrap());
        for outside in [least - 1, most + 1] {
            let message = refusal_of(&[(&variable_of(&name), &outside.to_string())]);
            assert!(
                message.contains(&format!("the setting {name} is")),
                "{message}"
            );
            assert!(message.contains(&rule.allowed), "{message}");
        }
        for inside in [least, most] {
            // A bound may contradict another setting, but it is never out of bounds.
            let sources = from_environment(&[(&variable_of(&name), &inside.to_string())]);
            let refused = matches!(Config::load(&sources), Err(ConfigError::Value { .. }));
            assert!(!refused, "{name} = {inside}");
        }
        tried += 1;
    }
    assert!(tried > 30, "only {tried} numbers were found");
}

#[test]
fn an_unknown_key_in_a_file_is_refused_with_the_nearest_one() {
    let (sources, file) = from_file("[append]\nmax_event = 5\n");
    assert_eq!(
        refusal(&sources),
        format!(
            "there is no setting append.max_event (from the file {}); did you mean append.max_events?",
            file.path().display()
        )
    );
    for text in [
        "listen = \"127.0.0.1:1\"\n",
        "[profile.dev.log]\nlevel = \"info\"\n",
    ] {
        assert!(
            refusal(&from_file(text).0).contains("there is no setting"),
            "{text}"
        );
    }
    assert!(refusal(&from_file("[zzz]\nqqq = 1\n").0).contains("lists all settings"));
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_one() {
    assert_eq!(
        refusal_of(&[("GAMEBOT_APEND_DEADLINE_MS", "1")]),
        "the variable GAMEBOT_APEND_DEADLINE_MS configures nothing; \
         did you mean GAMEBOT_APPEND_DEADLINE_MS?"
    );
    for (wrong, right) in [
        ("GAMEBOT_LISTEN", "LISTEN"),
        ("GAMEBOT_SERVER_LISTEN", "LISTEN"),
        ("GAMEBOT_DATABASE_URL", "DATABASE_URL"),
        ("GAMEBOT_PROFILE", "PROFILE"),
        ("GAMEBOT_CONFIG_FILE", "CONFIG_FILE"),
    ] {
        assert!(refusal_of(&[(wrong, "x")]).ends_with(&format!("did you mean {right}?")));
    }
}

#[test]
fn an_unreadable_or_malformed_file_is_named() {
    let sources = from_environment(&[("CONFIG_FILE", "/nowhere/at/all.toml")]);
    let message = refusal(&sources);
    assert!(message.contains("/nowhere/at/all.toml"), "{message}");
    assert!(message.contains("the variable CONFIG_FILE"), "{message}");

    let (sources, file) = from_file("[database]\nhost = \"db\"\npassword = \"hunter2\n");
    let message = refusal(&sources);
    assert!(message.contains(&path_text(file.path())), "{message}");
    assert!(message.contains("at line 3"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn an_address_beyond_loopback_must_be_allowed() {
    for address in ["0.0.0.0:4000", "[::]:4000", "192.168.1.4:4000"] {
        let message = refusal_of(&[("LISTEN", address)]);
        assert!(message.contains("no authentication"), "{message}");
        assert!(
            message.contains("GAMEBOT_SERVER_ALLOW_REMOTE=true"),
            "{message}"
        );
        let allowed = [("LISTEN", address), ("GAMEBOT_SERVER_ALLOW_REMOTE", "true")];
        assert!(Config::load(&from_environment(&allowed)).is_ok());
    }
    assert!(Config::load(&from_environment(&[("LISTEN", "[::1]:0")])).is_ok());
}

#[test]
fn who_allows_others_and_names_no_address_listens_on_all_of_them() {
    let listen = |variables: &[(&str, &str)]| {
        let config = Config::load(&from_environment(variables)).unwrap();
        config.server.listen.to_string()
    };
    let allow = ("GAMEBOT_SERVER_ALLOW_REMOTE", "true");
    assert_eq!(listen(&[allow]), "0.0.0.0:4000");
    assert_eq!(listen(&[allow, ("PROFILE", "test")]), "0.0.0.0:0");
    // An address that somebody chose stays, also the default one.
    assert_eq!(
        listen(&[allow, ("LISTEN", "127.0.0.1:4000")]),
        "127.0.0.1:4000"
    );
    assert_eq!(listen(&[allow, ("LISTEN", "[::]:5")]), "[::]:5");
    assert_eq!(
        listen(&[("GAMEBOT_SERVER_ALLOW_REMOTE", "false")]),
        "127.0.0.1:4000"
    );
    let (sources, _file) = from_file("[server]\nallow_remote = true\n");
    assert_eq!(
        Config::load(&sources).unwrap().server.listen.port(),
        4000,
        "a file is as good as a variable"
    );

    let shown = render_effective(&from_environment(&[allow])).unwrap();
    let line = shown
        .lines()
        .find(|line| line.starts_with("server.listen = "));
    let line = line.unwrap();
    assert!(line.contains("\"0.0.0.0:4000\""), "{line}");
    assert!(
        line.ends_with("# the variable GAMEBOT_SERVER_ALLOW_REMOTE"),
        "{line}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (variable, value, other) in [
        ("GAMEBOT_GRAPHQL_PAGE_DEFAULT", "1001", "graphql.page_max"),
        (
            "GAMEBOT_APPEND_MAX_EVENT_BYTES",
            "1048577",
            "append.max_request_bytes",
        ),
        (
            "GAMEBOT_SERVER_BODY_LIMIT_BYTES",
            "1048575",
            "append.max_request_bytes",
        ),
        (
            "GAMEBOT_APPEND_GROUP_BYTES",
            "1048575",
            "append.max_request_bytes",
        ),
        ("GAMEBOT_APPEND_GROUP_EVENTS", "999", "append.max_events"),
    ] {
        let message = refusal_of(&[(variable, value)]);
        assert!(
            message.contains(variable) && message.contains(other),
            "{message}"
        );
    }
}

#[test]
fn a_database_in_parts_is_composed_with_every_part_encoded() {
    let config = Config::load(&from_environment(&[
        ("GAMEBOT_DATABASE_HOST", "db.internal"),
        ("GAMEBOT_DATABASE_PORT", "6432"),
        ("GAMEBOT_DATABASE_USER", "game@bot"),
        ("GAMEBOT_DATABASE_PASSWORD", "p:a/s?s#w %é"),
        ("GAMEBOT_DATABASE_NAME", "games"),
    ]))
    .unwrap();
    let url = config.database.url;
    assert_eq!(
        url.expose(),
        "postgres://game%40bot:p%3Aa%2Fs%3Fs%23w%20%25%C3%A9@db.internal:6432/games"
    );
    assert_eq!(format!("{url} {url:?}"), {
        let masked = "postgres://game%40bot:***@db.internal:6432/games";
        format!("{masked} {masked}")
    });
}

#[test]
fn an_ipv6_host_is_put_in_brackets_and_a_missing_password_leaves_no_trace() {
    let parts = |host| {
        let variables = [
            ("GAMEBOT_DATABASE_HOST", host),
            ("GAMEBOT_DATABASE_USER", "u"),
            ("GAMEBOT_DATABASE_NAME", "n"),
        ];
        Config::load(&from_environment(&variables))
            .unwrap()
            .database
            .url
            .expose()
            .to_owned()
    };
    assert_eq!(parts("fd00::7"), "postgres://u@[fd00::7]:5432/n");
    assert_eq!(parts("[fd00::7]"), "postgres://u@[fd00::7]:5432/n");
    assert_eq!(
        parts("/run/postgresql"),
        "postgres://u@%2Frun%2Fpostgresql:5432/n"
    );
}

#[test]
fn secrets_can_come_from_files() {
    let url = file_with("postgres://u:s3cret@db/n\n");
    let path = path_text(url.path());
    let config = Config::load(&from_environment(&[("GAMEBOT_DATABASE_URL_FILE", &path)])).unwrap();
    assert_eq!(config.database.url.expose(), "postgres://u:s3cret@db/n");

    let password = file_with(" s p a c e \r\n");
    let path = path_text(password.path());
    let mut variables = vec![
        ("GAMEBOT_DATABASE_HOST", "db"),
        ("GAMEBOT_DATABASE_USER", "u"),
        ("GAMEBOT_DATABASE_NAME", "n"),
        ("GAMEBOT_DATABASE_PASSWORD_FILE", path.as_str()),
    ];
    let config = Config::load(&from_environment(&variables)).unwrap();
    assert_eq!(
        config.database.url.expose(),
        "postgres://u:%20s%20p%20a%20c%20e%20@db:5432/n"
    );

    variables.push(("GAMEBOT_DATABASE_PASSWORD", "s3cret"));
    let message = refusal_of(&variables);
    assert!(message.contains("exclude each other"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_secret_file_that_cannot_be_used_is_named_without_its_content() {
    let message = refusal_of(&[("GAMEBOT_DATABASE_URL_FILE", "/nowhere")]);
    assert!(message.contains("GAMEBOT_DATABASE_URL_FILE"), "{message}");
    assert!(message.contains("/nowhere"), "{message}");

    let file = file_with("mysql://u:s3cret@db/n");
    let message = refusal_of(&[("GAMEBOT_DATABASE_URL_FILE", &path_text(file.path()))]);
    assert!(message.contains("mysql://u:***@db/n"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_database_as_a_whole_and_in_parts_is_refused() {
    let whole = ("DATABASE_URL", "postgres://u:s3cret@db/n");
    for part in [
        ("GAMEBOT_DATABASE_HOST", "db"),
        ("GAMEBOT_DATABASE_PORT", "5433"),
        ("GAMEBOT_DATABASE_PASSWORD", "other"),
        ("GAMEBOT_DATABASE_URL_FILE", "/nowhere"),
    ] {
        let message = refusal_of(&[whole, part]);
        assert!(message.contains("exclude each other"), "{message}");
        assert!(
            message.contains("DATABASE_URL") && message.contains(part.0),
            "{message}"
        );
        assert!(
            !message.contains("s3cret") && !message.contains("other)"),
            "{message}"
        );
    }
    let file_and_part = [
        ("GAMEBOT_DATABASE_URL_FILE", "/x"),
        ("GAMEBOT_DATABASE_HOST", "db"),
    ];
    assert!(refusal_of(&file_and_part).contains("exclude each other"));
}

#[test]
fn a_part_that_is_missing_is_named() {
    let message = refusal_of(&[("GAMEBOT_DATABASE_PASSWORD", "s3cret")]);
    assert!(message.contains("database.host is missing"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    let message = refusal_of(&[
        ("GAMEBOT_DATABASE_HOST", "db"),
        ("GAMEBOT_DATABASE_USER", "u"),
    ]);
    assert!(message.contains("database.name is missing"), "{message}");
}

#[test]
fn secrets_are_masked_wherever_a_value_is_shown() {
    for url in [
        "postgres://u:s3cret@db/n",
        "postgres://u:s3/cr@et@db/n",
        "postgres://u:s3cret?x@db/n",
        "postgres://db/n?user=u&password=s3cret&sslmode=require",
        "mysql://u:s3cret@db/n",
        "postgres:u:s3cret@db",
        "s3cret",
    ] {
        let sources = from_environment(&[("DATABASE_URL", url)]);
        let shown = match Config::load(&sources) {
            Ok(config) => format!("{config:?} {}", render_effective(&sources).unwrap()),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(
            !shown.contains("s3c") && !shown.contains("et@"),
            "{url}: {shown}"
        );
    }
    let (sources, _file) = from_file("[database]\npassword = 123456\n");
    assert!(!refusal(&sources).contains("123456"));
}

#[test]
fn the_settings_in_force_are_listed_with_their_origin() {
    let mut sources = from_environment(&[
        ("PROFILE", "prod"),
        ("GAMEBOT_DATABASE_HOST", "db"),
        ("GAMEBOT_DATABASE_USER", "u"),
        ("GAMEBOT_DATABASE_PASSWORD", "s3cret"),
        ("GAMEBOT_DATABASE_NAME", "n"),
    ]);
    sources
        .flags
        .push(flag("--listen", "server.listen", "127.0.0.1:7"));
    let text = render_effective(&sources).unwrap();
    let origin_of = |setting: &str| {
        let line = text.lines().find(|line| line.starts_with(setting)).unwrap();
        line.split_once("  # ").unwrap().1.to_owned()
    };
    assert_eq!(
        origin_of("server.listen = \"127.0.0.1:7\""),
        "the flag --listen"
    );
    assert_eq!(origin_of("log.format = \"json\""), "the profile prod");
    assert_eq!(origin_of("append.max_events = 1000"), "the default");
    assert_eq!(
        origin_of("database.password = ***"),
        "the variable GAMEBOT_DATABASE_PASSWORD"
    );
    assert!(text.contains("# database: postgres://u:***@db:5432/n"));
    assert!(!text.contains("s3cret"));
}

#[test]
fn a_flag_that_names_no_setting_is_refused() {
    let sources = Sources {
        flags: vec![flag("--x", "server.listne", "y")],
        ..Sources::default()
    };
    assert!(refusal(&sources).contains("did you mean server.listen?"));
}

/// The values in the defaults file must be the agreed ones even if the code is happy with others.
#[test]
fn the_defaults_file_is_plain_toml_with_the_profiles_apart() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let sections: BTreeSet<&str> = defaults.keys().map(String::as_str).collect();
    let expected = [
        "append",
        "database",
        "domain",
        "graphql",
        "log",
        "operations",
        "profile",
        "projections",
        "scavenge",
        "schema",
        "server",
        "snapshots",
        "subscription",
        "tail",
    ];
    assert_eq!(sections, BTreeSet::from(expected));
    let profiles: BTreeMap<_, _> = defaults["profile"].as_table().unwrap().iter().collect();
    assert_eq!(profiles.len(), Profile::ALL.len());
}

#[test]
fn a_second_way_to_the_database_is_masked_and_may_stand_in_a_file() {
    let second = "postgres://u:s3cret@direct:5432/n";
    let given =
        |name, value| from_environment(&[("DATABASE_URL", "postgres://u@pooler/n"), (name, value)]);
    let sources = given("GAMEBOT_DATABASE_LISTEN_URL", second);
    let text = render_effective(&sources).unwrap();
    assert!(text.contains("database.listen_url = \"postgres://u:***@direct:5432/n\""));
    let file = file_with(&format!("{second}\n"));
    let in_file = given("GAMEBOT_DATABASE_LISTEN_URL_FILE", &path_text(file.path()));
    for sources in [sources, in_file] {
        let listen_url = Config::load(&sources).unwrap().database.listen_url.unwrap();
        assert_eq!(listen_url.expose(), second);
    }
    let not_given = render_effective(&Sources::default()).unwrap();
    assert!(not_given.contains("database.listen_url = \"\""));
}

#[test]
fn a_second_way_is_given_once_and_leads_to_postgresql() {
    let file = file_with("sqlite://x.db");
    let path = path_text(file.path());
    let database = ("DATABASE_URL", "postgres://u@db/n");
    let (url, url_file) = (
        "GAMEBOT_DATABASE_LISTEN_URL",
        "GAMEBOT_DATABASE_LISTEN_URL_FILE",
    );
    let both = refusal_of(&[database, (url, "postgres://u@db/n"), (url_file, &path)]);
    assert!(both.contains("exclude each other"), "{both}");
    let file = refusal_of(&[database, (url_file, &path)]);
    assert!(file.contains("a file that holds postgres://"), "{file}");
    let sqlite = refusal_of(&[database, (url, "sqlite://x.db")]);
    assert!(sqlite.contains("postgres://USER:PASSWORD@HOST:PORT/NAME, or nothing"));
}

#[test]
fn what_joins_nodes_is_refused_with_a_sqlite_file() {
    for variable in [
        ("GAMEBOT_DATABASE_LISTEN_URL", "postgres://u@db/n"),
        ("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true"),
    ] {
        let message = refusal_of(&[variable]);
        assert!(message.contains("is for PostgreSQL"), "{message}");
    }
}
