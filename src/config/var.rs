//! A row of the table: what is said of a setting.

use super::kind::Kind;
use crate::invoke::Mode;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Var {
    /// The environment variable.
    pub name: &'static str,
    /// Other names for it, in the order in which they are looked at.
    pub aliases: &'static [&'static str],
    /// An alias beats the name (of-watchdog's `function_process`).
    pub alias_wins: bool,
    /// What may stand behind the name.
    pub kind: Kind,
    /// What holds if nothing is set.
    pub default: Preset,
    /// The heading it stands under.
    pub group: Group,
    /// The modes in which it has an effect; empty is all of them.
    pub modes: &'static [Mode],
    /// Where not all of its values work yet: those that do, besides the default.
    pub built: Option<&'static [&'static str]>,
    /// One sentence.
    pub help: &'static str,
}

/// What holds if a setting is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing.
    Unset,
    /// Always the same, written as one would set it.
    Is(&'static str),
    /// Hangs on other settings or on the place; in words.
    Depends(&'static str),
}

/// A heading of the help and of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The command and the way it is run.
    Handler,
    /// Addresses and ports.
    Listening,
    /// Time limits of a call.
    Time,
    /// How much at once, and how large.
    Limits,
    /// What goes in and comes out.
    Bodies,
    /// Probes.
    Health,
    /// Starting and stopping.
    Life,
    /// The http mode's server.
    Upstream,
    /// Warm workers.
    Workers,
    /// CloudEvents.
    Events,
    /// Logs.
    Logs,
    /// Names of the peers that are understood and do nothing here.
    Peers,
}

impl Group {
    /// Every group, in the order of the page.
    pub const ALL: [Group; 12] = [
        Group::Handler,
        Group::Listening,
        Group::Time,
        Group::Limits,
        Group::Bodies,
        Group::Health,
        Group::Life,
        Group::Upstream,
        Group::Workers,
        Group::Events,
        Group::Logs,
        Group::Peers,
    ];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Group::Handler => "The handler",
            Group::Listening => "Listening",
            Group::Time => "Time",
            Group::Limits => "Limits",
            Group::Bodies => "Requests and answers of fork modes",
            Group::Health => "Health and readiness",
            Group::Life => "Starting and stopping",
            Group::Upstream => "The upstream of http mode, and static files",
            Group::Workers => "Workers",
            Group::Events => "CloudEvents",
            Group::Logs => "Logs",
            Group::Peers => "Understood for the sake of old images",
        }
    }
}

impl Var {
    /// Every name, in the order in which they are looked at.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let (first, last) = if self.alias_wins { (None, Some(self.name)) } else { (Some(self.name), None) };
        first.into_iter().chain(self.aliases.iter().copied()).chain(last)
    }

    /// Whether it does anything in this mode.
    pub fn matters_in(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.contains(&mode)
    }

    pub(super) const fn aka(mut self, aliases: &'static [&'static str]) -> Var {
        self.aliases = aliases;
        self
    }

    pub(super) const fn only(mut self, modes: &'static [Mode]) -> Var {
        self.modes = modes;
        self
    }

    pub(super) const fn not_built(self) -> Var {
        self.built_only(&[])
    }

    /// Of its values only the default and these work yet.
    pub(super) const fn built_only(mut self, values: &'static [&'static str]) -> Var {
        self.built = Some(values);
        self
    }
}

/// A row with the usual values; the methods above change them.
pub(super) const fn var(group: Group, name: &'static str, kind: Kind, default: Preset, help: &'static str) -> Var {
    Var { name, aliases: &[], alias_wins: false, kind, default, group, modes: &[], built: None, help }
}
