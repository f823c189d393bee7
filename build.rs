//! Puts the playground's files into the binary, so that `/playground` works without internet.
//!
//! The files come from `scripts/fetch-playground`, which is a step of its own: a build never
//! downloads anything. Without them the list is empty, and the server says on the page how to get
//! them.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Relative to the package's root. The watched folder is committed, so it is always there: Cargo
/// looks at the times of everything below it, and thus notices `vendor` as it comes and goes.
const WATCHED: &str = "playground";
const VENDOR: &str = "playground/vendor";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={WATCHED}");
    let root = folder_from("CARGO_MANIFEST_DIR")?;
    let source = assets_source(&asset_files(&root.join(VENDOR))?)?;
    fs::write(folder_from("OUT_DIR")?.join("playground_assets.rs"), source)
}

fn folder_from(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("Cargo did not set {variable}")))
}

/// The files that a browser is to be served, by name, so that equal files give equal binaries.
fn asset_files(vendor: &Path) -> io::Result<Vec<PathBuf>> {
    if !vendor.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(vendor)? {
        let path = entry?.path();
        if content_type(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn content_type(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    match path.extension()?.to_str()? {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

fn assets_source(files: &[PathBuf]) -> io::Result<String> {
    let mut source = String::from(
        "/// The playground's files: name, content, content type. Empty when \
         `scripts/fetch-playground`\n/// did not run before the build.\n\
         pub(crate) static ASSETS: &[(&str, &[u8], &str)] = &[\n",
    );
    for path in files {
        let (Some(name), Some(content_type)) = (text(path.file_name()), content_type(path)) else {
            continue;
        };
        let Some(path) = text(Some(path.as_os_str())) else {
            return Err(io::Error::other("the project's path is not UTF-8"));
        };
        // Debug formatting of text is a Rust literal of it.
        writeln!(
            source,
            "    ({name:?}, include_bytes!({path:?}), {content_type:?}),"
        )
        .map_err(io::Error::other)?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn text(part: Option<&OsStr>) -> Option<&str> {
    part.and_then(OsStr::to_str)
}
