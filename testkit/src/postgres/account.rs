//! The account that PostgreSQL runs under.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The accounts to take, in this order, when the tests run as root.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// PostgreSQL refuses to run as root, which is who runs tests in most containers: it is started
/// under another account then.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// The tests do not run as root: PostgreSQL runs as whoever runs them.
    Own,
    /// The tests run as root: PostgreSQL runs as this one.
    Other { user_id: u32, group_id: u32 },
}

impl Account {
    /// Finds out who runs the tests, and who can run the server.
    pub(crate) fn for_server() -> Self {
        if number_from_id(&["-u"]) != Some(0) {
            return Self::Own;
        }
        CANDIDATES
            .into_iter()
            .find_map(|name| {
                let user_id = number_from_id(&["-u", name])?;
                let group_id = number_from_id(&["-g", name])?;
                Some(Self::Other { user_id, group_id })
            })
            .unwrap_or_else(|| {
                panic!("PostgreSQL does not run as root, and there is no account of {CANDIDATES:?}")
            })
    }

    /// Lets the account own a file or folder.
    pub(crate) fn give(self, path: &Path) {
        if let Self::Other { user_id, group_id } = self {
            std::os::unix::fs::chown(path, Some(user_id), Some(group_id))
                .unwrap_or_else(|error| panic!("chown {}: {error}", path.display()));
        }
    }

    /// Lets the command run under the account.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Self::Other { user_id, group_id } = self {
            command.uid(user_id).gid(group_id);
        }
    }
}

fn number_from_id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
