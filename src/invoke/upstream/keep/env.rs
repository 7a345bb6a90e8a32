//! What the handler is told of ports and addresses: where it is to listen, not where heeler does.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::invoke::upstream::connect::is_localhost;
use crate::invoke::upstream::endpoint::Target;
use crate::process::{NulByte, variable};

/// heeler's own values of these are not the handler's.
const REPLACED: [&str; 5] = ["PORT", "FUNC_PORT", "ADDRESS", "LISTEN_ADDRESS", "HEELER_PORT"];

/// What of heeler's own environment the handler gets as it is.
pub(super) fn kept(environment: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    environment.iter().filter(|(name, _)| REPLACED.iter().all(|replaced| name != replaced)).cloned().collect()
}

/// The rest: where to listen, under every name that frameworks know, and heeler's own port.
pub(super) fn added(target: &Target, outer_port: Option<u16>) -> Result<Vec<CString>, NulByte> {
    let mut pairs: Vec<(&str, Vec<u8>)> = Vec::new();
    match target {
        Target::Tcp { host, port } => {
            let address = if is_localhost(host) { "127.0.0.1" } else { host };
            let listen = Target::Tcp { host: address.to_owned(), port: *port }.to_string();
            let port = port.to_string();
            pairs.extend([("PORT", port.clone().into_bytes()), ("FUNC_PORT", port.into_bytes())]);
            pairs.extend([("ADDRESS", address.as_bytes().to_vec()), ("LISTEN_ADDRESS", listen.into_bytes())]);
        }
        Target::Unix(path) => pairs.push(("LISTEN_ADDRESS", [b"unix:", path.as_os_str().as_bytes()].concat())),
    }
    pairs.extend(outer_port.map(|port| ("HEELER_PORT", port.to_string().into_bytes())));
    pairs.iter().map(|(name, value)| variable(name.as_bytes(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> Target {
        Target::Tcp { host: host.to_owned(), port: 5000 }
    }

    fn check(target: &Target, outer_port: Option<u16>, expected: &[&str]) {
        let seen: Vec<String> =
            added(target, outer_port).unwrap().iter().map(|pair| pair.to_str().unwrap().to_owned()).collect();
        assert_eq!(seen, expected, "{target}");
    }

    #[test]
    fn the_handler_is_told_where_to_listen() {
        let local = ["PORT=5000", "FUNC_PORT=5000", "ADDRESS=127.0.0.1", "LISTEN_ADDRESS=127.0.0.1:5000"];
        check(&tcp("127.0.0.1"), None, &local);
        check(&tcp("localhost"), Some(8080), &[&local[..], &["HEELER_PORT=8080"]].concat());
        let named = |address, listen| ["PORT=5000", "FUNC_PORT=5000", address, listen];
        check(&tcp("::1"), None, &named("ADDRESS=::1", "LISTEN_ADDRESS=[::1]:5000"));
        check(&tcp("127.0.0.2"), None, &named("ADDRESS=127.0.0.2", "LISTEN_ADDRESS=127.0.0.2:5000"));
        check(&tcp("pod"), None, &named("ADDRESS=pod", "LISTEN_ADDRESS=pod:5000"));
        check(&Target::Unix("/run/s".into()), Some(80), &["LISTEN_ADDRESS=unix:/run/s", "HEELER_PORT=80"]);
    }

    #[test]
    fn heelers_own_values_are_not_passed_on() {
        let environment: Vec<(OsString, OsString)> = ["PATH", "PORT", "port", "ADDRESS", "LISTEN_ADDRESS", "FUNC_PORT"]
            .into_iter()
            .chain(["HEELER_PORT", "PORTS", "fprocess"])
            .map(|name| (name.into(), "x".into()))
            .collect();
        let names: Vec<_> = kept(&environment).into_iter().map(|(name, _)| name.into_string().unwrap()).collect();
        assert_eq!(names, ["PATH", "port", "PORTS", "fprocess"]);
    }
}
