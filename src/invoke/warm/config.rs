//! What warm mode needs to know; filled by `config`.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::Restart;

/// Settings of warm mode.
#[derive(Clone, Debug)]
pub struct Config {
    /// Calls that may wait for a worker.
    pub queue_depth: usize,
    /// How long each of them may.
    pub queue_timeout: Option<Duration>,
    /// Processes that are kept; at least 1.
    pub workers: usize,
    /// Calls at once in each; 0 leaves it to the worker.
    pub concurrency: u32,
    /// A worker is replaced after about so many calls.
    pub max_requests: Option<u64>,
    /// A worker is replaced after about so long.
    pub max_age: Option<Duration>,
    /// A worker is replaced that holds more bytes of memory.
    pub max_rss: Option<u64>,
    /// A worker must say hello within this.
    pub start_timeout: Duration,
    /// What happens when one dies.
    pub restart: Restart,
    /// For the language's runtime: names and values.
    pub settings: Vec<(String, String)>,
    /// The user's file; `None` where a command is the worker.
    pub source: Option<Source>,
    /// A folder with the languages' runtimes, instead of those in the binary.
    pub runtimes: Option<PathBuf>,
    /// Where the runtimes of the binary are put.
    pub temp: PathBuf,
}

/// The file that holds the user's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it was found. For Java a jar, or the first entry of a class path.
    pub file: PathBuf,
    /// What it is written in.
    pub language: Language,
}

/// A language that heeler has a runtime for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python 3.
    Python,
    /// Node.js.
    Node,
    /// Java, or whatever else becomes a jar.
    Java,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 3] = [Language::Python, Language::Node, Language::Java];

    /// What its files end with.
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Language::Python => &["py"],
            Language::Node => &["js", "mjs", "cjs"],
            Language::Java => &["jar"],
        }
    }

    /// The program that runs it.
    pub const fn program(self) -> &'static str {
        match self {
            Language::Python => "python3",
            Language::Node => "node",
            Language::Java => "java",
        }
    }

    /// The folder of its runtime.
    pub const fn folder(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::Node => "node",
            Language::Java => "java",
        }
    }

    /// The file in that folder that is started.
    pub const fn main(self) -> &'static str {
        match self {
            Language::Python => "start.py",
            Language::Node => "worker.js",
            Language::Java => "heeler.jar",
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Language::Python => "Python",
            Language::Node => "Node.js",
            Language::Java => "Java",
        }
    }
}
