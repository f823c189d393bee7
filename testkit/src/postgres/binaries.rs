//! Finds PostgreSQL's programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian and Ubuntu keep one folder per major version, outside of `PATH`.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";

/// The folder that holds `initdb` and `postgres`: the newest of Debian's versions, what `pg_config`
/// says, or a folder on `PATH`, in this order.
pub(crate) fn server_programs() -> PathBuf {
    debian_folders()
        .into_iter()
        .chain(pg_config_folder())
        .chain(path_folders())
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL's server programs `initdb` and `postgres` were not found in \
                 {DEBIAN_ROOT}/*/bin, by `pg_config --bindir`, or on PATH. On Debian and Ubuntu: \
                 `apt-get install postgresql`. Or set {} to the URL of a running server.",
                super::SERVER_VARIABLE
            )
        })
}

/// The client program `psql`, from the same places.
pub(crate) fn psql() -> PathBuf {
    debian_folders()
        .into_iter()
        .chain(pg_config_folder())
        .chain(path_folders())
        .map(|folder| folder.join("psql"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL's client `psql` was not found. On Debian and Ubuntu: \
                 `apt-get install postgresql-client`."
            )
        })
}

/// The pooler `pgbouncer`, from where Debian keeps it or on `PATH`.
pub(crate) fn pgbouncer() -> PathBuf {
    path_folders()
        .into_iter()
        // Not on everybody's PATH.
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!("`pgbouncer` was not found. On Debian and Ubuntu: `apt-get install pgbouncer`.")
        })
}

fn debian_folders() -> Vec<PathBuf> {
    newest_first(Path::new(DEBIAN_ROOT))
}

/// The `bin` folders below the version folders of `root`, the newest version first.
fn newest_first(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((version_numbers(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    versions.sort_by(|(left, _), (right, _)| right.cmp(left));
    versions
        .into_iter()
        .map(|(_, path)| path.join("bin"))
        .collect()
}

/// `15` or `9.6` as numbers; nothing for a folder that is not a version.
fn version_numbers(name: &str) -> Option<Vec<u32>> {
    name.split('.').map(|part| part.parse().ok()).collect()
}

fn pg_config_folder() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim()))
}

fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_by_number_and_not_by_letter() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "9.10", "common", "17"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let expected: Vec<PathBuf> = ["17", "15", "9.10", "9.6"]
            .iter()
            .map(|name| root.path().join(name).join("bin"))
            .collect();
        assert_eq!(newest_first(root.path()), expected);
    }

    #[test]
    fn a_system_without_debians_folder_has_none_of_them() {
        assert_eq!(
            newest_first(Path::new("/no/such/folder")),
            Vec::<PathBuf>::new()
        );
    }
}
