//! What a process holds, as /proc tells.

use crate::support::tree;

/// Ends of pipes that heeler may keep for calls to come, where each has a process (src/process/pipe.rs): two for the output
/// of each call of the most that were under way at once, which are a few here, and those that end.
const KEPT_PIPES: usize = 128;

#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub resident: u64,
    /// Those of pipes left out.
    pub descriptors: usize,
    pub pipes: usize,
    pub threads: usize,
    /// Processes below it, zombies left out.
    pub below: usize,
    pub zombies: usize,
}

impl Figures {
    pub fn of(pid: i32) -> Figures {
        let below = tree::descendants(pid);
        let zombies = below.iter().filter(|process| process.state == 'Z').count();
        let pipes = pipes(pid);
        Figures {
            resident: tree::size(pid, "VmRSS"),
            descriptors: tree::descriptors(pid).saturating_sub(pipes),
            pipes,
            threads: tree::status(pid, "Threads").parse().expect("a number of threads"),
            below: below.len() - zombies,
            zombies,
        }
    }

    /// Whether it holds what it held at its start, whatever the memory.
    pub fn counts_as(&self, start: &Figures) -> bool {
        let counts = |of: &Figures| (of.descriptors, of.threads, of.below, of.zombies);
        counts(self) == counts(start) && self.pipes <= start.pipes + KEPT_PIPES
    }
}

fn pipes(pid: i32) -> usize {
    tree::open_files(pid).values().filter(|name| name.starts_with("pipe:")).count()
}
