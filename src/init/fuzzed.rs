//! What has to hold for any arguments of `heeler init`.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::ffi::OsString;

use super::options::{self, Options, Request};
use super::signal;

/// Options that are taken can be written out, and mean the same.
pub(crate) fn options(args: Vec<OsString>) {
    let count = args.len();
    match options::parse(args) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(Request::Help) => {}
        Ok(Request::Run(options)) => {
            assert!(!options.command.is_empty() && options.command.len() <= count);
            assert_eq!(options::parse(written(&options)).unwrap(), Request::Run(options));
        }
    }
}

fn written(options: &Options) -> Vec<OsString> {
    let flags = [("-g", options.group), ("-s", options.subreaper), ("-w", options.warn), ("-v", options.verbose)];
    let mut args: Vec<String> = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| (*flag).to_owned()).collect();
    args.extend((0..256).filter(|code| options.exit_zero[*code]).map(|code| format!("--exit-zero={code}")));
    args.extend(options.parent_death.map(|number| format!("-p{}", named(number))));
    for from in 1..=64 {
        match options.rewrite.of(from) {
            Some(to) if to == from => {}
            Some(to) => args.push(format!("--rewrite={}:{}", named(from), named(to))),
            None => args.push(format!("-r{}:0", named(from))),
        }
    }
    args.push("--".to_owned());
    args.into_iter().map(OsString::from).chain(options.command.iter().cloned()).collect()
}

/// By name, where it has one.
fn named(number: i32) -> String {
    let name = signal::name(number);
    if name.starts_with("SIG") { name } else { number.to_string() }
}
