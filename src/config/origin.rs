use std::fmt;
use std::path::PathBuf;

/// A small overlay over the defaults, chosen by `PROFILE` or `--profile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A person at a desk.
    Dev,
    /// Automatic tests: nothing outlives the process.
    Test,
    /// A server that others rely on: what destroys data is refused.
    Prod,
}

impl Profile {
    /// Every profile, in the order in which errors list them.
    pub(super) const ALL: [Self; 3] = [Self::Dev, Self::Test, Self::Prod];

    /// The name, as it is written in `PROFILE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `config.default.toml`, as compiled in.
    Default,
    /// The overlay of a profile, as compiled in.
    Profile(Profile),
    /// A file named by `--config` or `CONFIG_FILE`.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag on the command line.
    Flag(String),
}

impl Origin {
    /// Whether a person chose this value, rather than the binary.
    pub(super) fn is_explicit(&self) -> bool {
        match self {
            Self::Default | Self::Profile(_) => false,
            Self::File(_) | Self::Variable(_) | Self::Flag(_) => true,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("the default"),
            Self::Profile(profile) => write!(formatter, "the profile {profile}"),
            Self::File(path) => write!(formatter, "the file {}", path.display()),
            Self::Variable(name) => write!(formatter, "the variable {name}"),
            Self::Flag(name) => write!(formatter, "the flag {name}"),
        }
    }
}
