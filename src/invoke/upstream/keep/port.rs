//! A free port for one start of the handler.
//!
//! Between our look at it and the handler's bind nobody must be given it. The kernel hands out ports to outgoing
//! connections, and to those who ask for port 0, from a range of its own: so ours lies outside of that, below it where
//! there is room. Where exactly is left to chance, so that two heelers in one network do not try the same one.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use socket2::{Domain, Socket, Type};

use crate::invoke::chance::random;

/// The kernel's own, where it does not say (ip(7)).
const USUAL_RANGE: RangeInclusive<u16> = 32768..=60999;
/// Ports below need a privilege (`ip_unprivileged_port_start`), and well-known servers have theirs soon after.
const LOWEST: u16 = 10_000;
/// Fewer than these are no choice.
const FEWEST: usize = 100;

/// A port that nobody listens on, nor is `taken`.
pub(super) fn free(taken: &[u16]) -> io::Result<u16> {
    let port = outside(&kernels_range()).and_then(|range| free_in(&range, taken));
    port.map_or_else(kernels_choice, Ok)
}

fn free_in(range: &RangeInclusive<u16>, taken: &[u16]) -> Option<u16> {
    first_from(range, random(), |port| !taken.contains(&port) && is_free(port))
}

/// The range that outgoing connections do not get their ports from; `None` where they may get any.
fn outside(kernels: &RangeInclusive<u16>) -> Option<RangeInclusive<u16>> {
    let below = LOWEST..=kernels.start().saturating_sub(1);
    let above = kernels.end().saturating_add(1).max(LOWEST)..=u16::MAX;
    [below, above].into_iter().find(|range| range.len() >= FEWEST)
}

fn kernels_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    parse(&text).unwrap_or(USUAL_RANGE)
}

fn parse(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    Some(numbers.next()?.ok()?..=numbers.next()?.ok()?)
}

/// The first one that will do, from a place in the range that any number names.
fn first_from(range: &RangeInclusive<u16>, number: u64, will_do: impl Fn(u16) -> bool) -> Option<u16> {
    let length = range.len() as u64;
    let nth = |step| u16::try_from((number % length + step) % length).map(|nth| range.start() + nth);
    (0..length).filter_map(|step| nth(step).ok()).find(|port| will_do(*port))
}

/// Free on all addresses: a handler may listen on any of them. A kernel without one of the families has no server
/// there either.
fn is_free(port: u16) -> bool {
    let taken = |address: SocketAddr| can_bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    !taken((Ipv4Addr::UNSPECIFIED, port).into()) && !taken((Ipv6Addr::UNSPECIFIED, port).into())
}

fn can_bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The best that can be had where the kernel's range is all there is.
fn kernels_choice() -> io::Result<u16> {
    let socket = can_bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_kernels_range_is_left_alone() {
        for (kernels, expected) in [
            (32768..=60999, Some(10_000..=32767)),
            (10_200..=65535, Some(10_000..=10_199)),
            (10_050..=60_000, Some(60_001..=65535)),
            (1024..=60_000, Some(60_001..=65535)),
            (1024..=2000, Some(10_000..=65535)),
            (1024..=65535, None),
            (9000..=65500, None),
        ] {
            assert_eq!(outside(&kernels), expected, "{kernels:?}");
        }
        assert_eq!(parse("32768\t60999\n"), Some(32768..=60999));
        assert_eq!((parse(""), parse("1"), parse("a b")), (None, None, None));
    }

    #[test]
    fn the_search_goes_round() {
        for (number, busy, expected) in [
            (0, &[][..], Some(10)),
            (2, &[], Some(12)),
            (7, &[], Some(13)),
            (7, &[13], Some(10)),
            (2, &[12, 13, 10], Some(11)),
            (2, &[10, 11, 12, 13], None),
            (u64::MAX, &[], Some(13)),
        ] {
            assert_eq!(first_from(&(10..=13), number, |port| !busy.contains(&port)), expected, "{number} {busy:?}");
        }
    }

    #[test]
    fn a_port_with_a_server_on_any_address_is_not_free() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(server) = TcpListener::bind(address) else { continue };
            assert!(!is_free(server.local_addr().unwrap().port()), "{address}");
        }
    }

    #[test]
    fn a_free_port_can_be_had() {
        let port = free(&[]).unwrap();
        assert!(!kernels_range().contains(&port), "{port}");
        assert!(TcpListener::bind(("127.0.0.1", kernels_choice().unwrap())).is_ok());
        assert_eq!(free_in(&(port - 1..=port), &[port - 1]), Some(port));
        assert_eq!(free_in(&(port..=port), &[port]), None);
    }
}
