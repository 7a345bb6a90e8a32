//! What the invokers know.

use heeler::config::{Host, Settings};
use heeler::invoke::{Config, Mode};

/// As it comes out of the defaults of a mode.
pub(crate) fn config(mode: Mode) -> Config {
    let vars = [("fprocess", "cat"), ("mode", mode.name())].into_iter().collect();
    Settings::from_vars(&[], &vars, &Host::default()).unwrap().0.invoke
}
