//! What a plain init needs: one child on the terminal, signals and ends one after the other, no runtime.
//!
//! It stands beside the reaper, not on it: where this is used there are no [`super::Processes`], so here too only
//! one place waits.

use super::inherited::Inherited;
use super::spawn::{Nursery, Place, SpawnError, Start, spawn};
use super::spec::Program;
pub(crate) use super::sys::{
    Change, FAULTS, default_faults, next_change, next_signal, set_parent_death_signal, stop_with_group,
};

/// Starts a program in a group of its own, with all of heeler's descriptors. It takes over the foreground of the
/// terminal on standard input if heeler has it.
pub(crate) fn start(program: &Program, inherited: &Inherited) -> Result<i32, SpawnError> {
    let start = Start {
        path: &program.path,
        argv: &program.argv,
        env: [&program.env, &[]],
        stdio: None,
        socket: None,
        place: Place::ForegroundGroup,
        inherited,
        mark: None,
        dies_with_parent: false,
    };
    let mut nursery = Nursery::new().map_err(SpawnError::of_resource)?;
    spawn(&start, &mut nursery)
}
