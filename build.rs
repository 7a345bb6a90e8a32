//! Puts the languages' runtimes into the binary: a list of every file below runtimes/ that a worker needs.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a worker does not need.
const LEFT_OUT: [&str; 5] = ["test", "tests", "__pycache__", "node_modules", "bench.js"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=runtimes");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes");
    let mut files = Vec::new();
    for language in ["python", "node"] {
        collect(&root.join(language), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        writeln!(list, "    ({:?}, include_bytes!({file:?})),", name.display().to_string())
            .map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    #[expect(clippy::disallowed_methods, reason = "cargo says so where a build script may write")]
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("runtimes.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if LEFT_OUT.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.is_file() && !name.ends_with(".md") && !name.starts_with('.') {
            files.push(path);
        }
    }
    Ok(())
}
