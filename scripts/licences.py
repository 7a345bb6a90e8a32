"""Prints the licences of everything that is linked into heeler: what each crate says of itself, and the texts in their packages, each once."""

import json
import subprocess
import sys
from pathlib import Path

# What packages call them.
NAMES = ("licen", "copying", "copyright", "notice", "unlicense")
TARGET = "aarch64-unknown-linux-musl"
# Of Rust's own library, whose source rustup brings.
RUST = ("the standard library of Rust", "MIT OR Apache-2.0", "https://www.rust-lang.org")
MUSL = ("musl libc", "MIT", "https://musl.libc.org")
# Of no package that could be asked.
MUSL_TEXT = """Copyright © 2005-2020 Rich Felker, et al.

Permission is hereby granted, free of charge, to any person obtaining
a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be
included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def ask(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked():
    """(name, version) of all crates in the binary, which are those behind normal dependencies, procedural macros left out."""
    tree = ask("cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", TARGET, "--prefix", "none", "--format", "{p}")
    words = (line.split() for line in tree.splitlines() if line.strip())
    return {(name, version.removeprefix("v")) for name, version, *_ in words if name != "heeler"}


def licence(package):
    """What a crate says of itself: the licence's name, or the file that is its text."""
    return package["license"] or f"see its {package['license_file']} below"


def texts(folder):
    """The files of a package that are licences, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES))


def shared(packages):
    """Each text once, with the crates whose package has it; and the crates without any."""
    owners, bare = {}, []
    for package in packages:
        crate = f"{package['name']} {package['version']}"
        found = texts(Path(package["manifest_path"]).parent)
        bare += [crate] if not found else []
        for path in found:
            owners.setdefault(path.read_text(errors="replace").strip(), []).append(crate)
    return owners, bare


def main():
    wanted = linked()
    packages = json.loads(ask("cargo", "metadata", "--locked", "--format-version", "1"))["packages"]
    packages = sorted((p for p in packages if (p["name"], p["version"]) in wanted), key=lambda p: p["name"])
    if len(packages) != len(wanted):
        sys.exit(f"licences: {len(wanted)} crates are linked, cargo knows {len(packages)} of them")
    print("heeler is under Apache-2.0, see LICENSE. These are in its binary:\n")
    for name, said, home in (RUST, MUSL, *((f"{p['name']} {p['version']}", licence(p), p["repository"]) for p in packages)):
        print(f"{name}: {said}, {home}")
    owners, bare = shared(packages)
    if bare:
        print(f"\nWithout a text in their packages: {', '.join(bare)}.")
    for text, crates in owners.items():
        print(f"\n{'=' * 100}\n{', '.join(dict.fromkeys(crates))}\n\n{text}")
    print(f"\n{'=' * 100}\n{MUSL[0]}\n\n{MUSL_TEXT}")
    print(f"licences: {len(packages)} crates, {len(owners)} texts, {len(bare)} crates without one", file=sys.stderr)


if __name__ == "__main__":
    main()
