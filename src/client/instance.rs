//! Where the instance in this container, or on this machine, answers: what its lock file says, else what the settings
//! say.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::config::{Instance, value};
use crate::front::Address;

/// An address to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a Unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Tcp(address) => write!(f, "{address}"),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a ready instance wrote.
pub(super) struct Locked {
    /// Where it wrote it.
    pub(super) file: PathBuf,
    pub(super) targets: Vec<Target>,
}

/// The lock file cannot be read or understood.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {text}", file = .file.display())]
pub struct BadLockFile {
    file: PathBuf,
    text: String,
}

/// The addresses of an instance that is ready; `None` if there is no lock file.
pub(super) fn locked(instance: &Instance) -> Result<Option<Locked>, BadLockFile> {
    let Some(file) = &instance.lock_file else { return Ok(None) };
    let addresses = read(file).map_err(|text| BadLockFile { file: file.clone(), text })?;
    Ok(addresses.map(|addresses| Locked { file: file.clone(), targets: targets(&addresses) }))
}

/// They stand behind its pid.
fn read(file: &Path) -> Result<Option<Vec<Address>>, String> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let line = text.lines().nth(1).ok_or("names no address")?;
    value::addresses(line).map(Some).map_err(|error| format!("{line:?} {error}"))
}

/// Where to connect for addresses that are listened on.
pub(super) fn targets(addresses: &[Address]) -> Vec<Target> {
    addresses.iter().flat_map(targets_of).collect()
}

fn targets_of(address: &Address) -> Vec<Target> {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let (hosts, port) = match address {
        Address::Unix(path) => return vec![Target::Unix(path.clone())],
        Address::Tcp { port: 0, .. } => return Vec::new(),
        Address::Tcp { host: Some(IpAddr::V4(host)), port } if host.is_unspecified() => (vec![v4], *port),
        Address::Tcp { host: Some(host), port } if !host.is_unspecified() => (vec![*host], *port),
        Address::Tcp { port, .. } => (vec![v4, v6], *port),
    };
    hosts.into_iter().map(|host| Target::Tcp(SocketAddr::new(host, port))).collect()
}
