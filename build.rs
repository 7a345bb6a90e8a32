//! Packs the languages' runtimes for the binary: every file below runtimes/ that a worker needs, one behind the other
//! (length of the name, name, length, bytes; numbers in 4 bytes, big-endian), then deflated: a quarter of their size.
//! Those of Node become one file before, which Node loads sooner. The same files lie beside, unpacked: images take them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a worker does not need.
const LEFT_OUT: [&str; 5] = ["test", "tests", "__pycache__", "node_modules", "bench.js"];

/// The end of Node's one file.
const BUNDLE_END: &str = "bundle.js";
/// What functions ask for by its name stays a file of its own.
const ASKED_FOR: &str = "modules";

/// A file's name for the worker, and its bytes.
type Named = (String, Vec<u8>);

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=runtimes");
    let root = said_by_cargo("CARGO_MANIFEST_DIR")?.join("runtimes");
    let out = said_by_cargo("OUT_DIR")?;
    for language in ["python", "node"] {
        let mut files = read(&root.join(language))?;
        if language == "node" {
            files = bundle(files)?;
        }
        lay_out(&out.join("runtimes").join(language), &files)?;
        let packed = pack(language, &files)?;
        fs::write(out.join(language), miniz_oxide::deflate::compress_to_vec(&packed, 10))?;
    }
    Ok(())
}

/// Asked for when it runs: a build folder that was copied has a build script that was compiled elsewhere.
#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts by variables where to read and write")]
fn said_by_cargo(name: &str) -> io::Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}

/// Puts the files into a folder that holds nothing else then.
fn lay_out(folder: &Path, files: &[Named]) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(folder)?,
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

fn pack(language: &str, files: &[Named]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    for (name, bytes) in files {
        for part in [format!("{language}/{name}").as_bytes(), bytes] {
            packed.extend(u32::try_from(part.len()).map_err(io::Error::other)?.to_be_bytes());
            packed.extend(part);
        }
    }
    Ok(packed)
}

/// All files of a runtime that has any.
fn bundle(files: Vec<Named>) -> io::Result<Vec<Named>> {
    let (mut apart, inside): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(name, _)| !name.ends_with(".js") || name.starts_with(ASKED_FOR));
    let mut one = String::from("'use strict';\nconst outside = require;\nconst files = {\n");
    let mut end = String::new();
    for (name, bytes) in inside {
        let text = String::from_utf8(bytes).map_err(io::Error::other)?;
        if name == BUNDLE_END {
            end = text;
        } else {
            one += &format!("{name:?}(module, exports, require) {{\n{text}}},\n");
        }
    }
    if !end.is_empty() {
        apart.push(("worker.js".into(), (one + "};\n" + &end).into_bytes()));
    }
    Ok(apart)
}

fn read(folder: &Path) -> io::Result<Vec<Named>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    let name = |path: &Path| path.strip_prefix(folder).map(|name| name.display().to_string()).map_err(io::Error::other);
    paths.iter().map(|path| Ok((name(path)?, fs::read(path)?))).collect()
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
