//! Packs the languages' runtimes for the binary: every file below runtimes/ that a worker needs, one behind the other
//! (length of the name, name, length, bytes; numbers in 4 bytes, big-endian), then deflated: a quarter of their size.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a worker does not need.
const LEFT_OUT: [&str; 5] = ["test", "tests", "__pycache__", "node_modules", "bench.js"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=runtimes");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes");
    #[expect(clippy::disallowed_methods, reason = "cargo says so where a build script may write")]
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    for language in ["python", "node"] {
        let mut files = Vec::new();
        collect(&root.join(language), &mut files)?;
        files.sort();
        let packed = pack(&root, &files)?;
        fs::write(Path::new(&out).join(language), miniz_oxide::deflate::compress_to_vec(&packed, 10))?;
    }
    Ok(())
}

fn pack(root: &Path, files: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).map_err(io::Error::other)?.display().to_string();
        for part in [name.into_bytes(), fs::read(file)?] {
            packed.extend(u32::try_from(part.len()).map_err(io::Error::other)?.to_be_bytes());
            packed.extend(part);
        }
    }
    Ok(packed)
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
