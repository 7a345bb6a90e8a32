//! The address of http mode's upstream beside heeler's own: a call must not come back to heeler.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::kind::Value;
use super::read::Reader;
use crate::front;
use crate::invoke::upstream::Address;

const LOOPBACK_4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LOOPBACK_6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Where the upstream listens, if this is http mode, the only one in which the setting counts.
pub(super) fn address(reader: &Reader<'_>) -> Option<Address> {
    // http mode is never inferred, so its name says it all.
    if reader.word_if_set("mode") != Some("http") {
        return None;
    }
    match reader.given("http_upstream_url") {
        Some(Value::Upstream(address, _)) => Some(address.clone()),
        _ => Some(Address::Free),
    }
}

/// The port that the upstream takes in heeler's own network namespace, as far as its address tells.
pub(super) fn local_port(address: &Address) -> Option<u16> {
    match address {
        Address::Tcp { host, port, .. } if reached(host).iter().any(IpAddr::is_loopback) => Some(*port),
        _ => None,
    }
}

/// Refuses an upstream that is heeler itself: every call would be a new one.
pub(super) fn check_own(reader: &mut Reader<'_>, address: &Address, listen: &[front::Address]) {
    if !listen.iter().any(|own| is_same(address, own)) {
        return;
    }
    let by = reader.set_by("http_upstream_url").unwrap_or("http_upstream_url");
    let shown = reader.given("http_upstream_url").map(ToString::to_string).unwrap_or_default();
    let text = format!(
        "{shown:?} is where heeler itself listens, so that it would call itself (let the handler listen elsewhere, \
         such as on http://127.0.0.1:8082, and name that)"
    );
    reader.mistake(by, text);
}

fn is_same(upstream: &Address, own: &front::Address) -> bool {
    match (upstream, own) {
        (Address::Tcp { host, port, .. }, front::Address::Tcp { host: bound, port: own }) => {
            port == own && reached(host).iter().any(|ip| is_bound(*bound, *ip))
        }
        (Address::Unix(path), front::Address::Unix(own)) => path == own,
        _ => false,
    }
}

/// The addresses that a connection to this host may reach. `localhost` and 127.0.0.1 are tried as 127.0.0.1, then as
/// ::1, and Linux takes 0.0.0.0 and :: for the loopback. Other names are known at run time only.
fn reached(host: &str) -> Vec<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return vec![LOOPBACK_4, LOOPBACK_6];
    }
    match host.parse::<IpAddr>() {
        Ok(ip) if ip == LOOPBACK_4 => vec![LOOPBACK_4, LOOPBACK_6],
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => vec![LOOPBACK_4],
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => vec![LOOPBACK_6],
        Ok(ip) => vec![ip],
        Err(_) => Vec::new(),
    }
}

/// Whether a listener has this address. One on all addresses has more than the loopback, but which is not known here.
fn is_bound(bound: Option<IpAddr>, ip: IpAddr) -> bool {
    bound.is_none_or(|bound| bound.is_unspecified()) && ip.is_loopback() || bound == Some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Vars, listen};

    /// The mistakes, warnings and the metrics port of http mode with this upstream.
    fn notes(url: &str, more: &[(&str, &str)]) -> (Vec<String>, Vec<String>, Option<u16>) {
        let vars: Vars = [("mode", "http"), ("upstream_url", url)].iter().chain(more).copied().collect();
        let mut reader = Reader::new(&vars);
        let own = listen::listen(&mut reader);
        let address = address(&reader).unwrap();
        check_own(&mut reader, &address, &own);
        let metrics = listen::metrics(&mut reader, &own);
        listen::check_reserved(&mut reader, &own, metrics);
        let mistakes = reader.mistakes.iter().map(ToString::to_string).collect();
        (mistakes, reader.warnings.iter().map(ToString::to_string).collect(), metrics.map(|metrics| metrics.port))
    }

    fn calls_itself(url: &str, more: &[(&str, &str)]) -> bool {
        let (mistakes, ..) = notes(url, more);
        assert!(mistakes.len() < 2, "{mistakes:?}");
        let expect = format!("upstream_url: {url:?} is where heeler itself listens, ");
        mistakes.iter().inspect(|mistake| assert!(mistake.starts_with(&expect), "{mistake}")).count() == 1
    }

    #[test]
    fn heeler_does_not_call_itself() {
        for (url, own) in [
            ("http://127.0.0.1:8080", ("port", "8080")),
            ("http://localhost:8080/a", ("port", "")),
            ("http://[::1]:9000", ("PORT", "9000")),
            ("http://0.0.0.0:80", ("listen", ":80")),
            ("http://LOCALHOST", ("listen", ":81,127.0.0.1:80")),
            ("http://127.0.0.1:80", ("listen", "[::1]:80")),
            ("http://127.0.0.1:80", ("listen", "0.0.0.0:80")),
            ("http://[::]:80", ("listen", "[::]:80")),
            ("http://10.0.0.7:80", ("listen", "10.0.0.7:80")),
            ("unix:///tmp/a", ("listen", "unix:/tmp/a")),
        ] {
            assert!(calls_itself(url, &[own]), "{url} {own:?}");
        }
        for (url, own) in [
            ("http://127.0.0.1:8082", ("port", "8080")),
            ("http://app:8080", ("port", "8080")),
            ("http://[::1]:80", ("listen", "127.0.0.1:80")),
            ("http://127.0.0.2:80", ("listen", "127.0.0.1:80")),
            ("http://127.0.0.1:80", ("listen", "10.0.0.7:80")),
            ("http://10.0.0.8:80", ("listen", "10.0.0.7:80")),
            ("unix:/tmp/b", ("listen", "unix:/tmp/a")),
        ] {
            assert!(!calls_itself(url, &[own]), "{url} {own:?}");
        }
    }

    #[test]
    fn the_handler_has_the_port_that_its_url_names() {
        let (mistakes, warnings, port) = notes("http://127.0.0.1:8081", &[]);
        assert_eq!((mistakes.len(), port), (0, None), "{mistakes:?}");
        assert_eq!(warnings, ["metrics_port: off, since its default 8081 is the port of http_upstream_url"]);
        let (mistakes, ..) = notes("http://127.0.0.1:9000", &[("metrics_port", "9000")]);
        assert_eq!(mistakes, ["metrics_port: 9000 is the port of http_upstream_url too (try another, or 0 for none)"]);
        assert_eq!(notes("http://app:8081", &[]), (vec![], vec![], Some(8081)));
        let streaming: Vars = [("upstream_url", "http://127.0.0.1:8081")].into_iter().collect();
        assert!(listen::metrics(&mut Reader::new(&streaming), &[]).is_some());
    }

    #[test]
    fn queue_proxy_is_no_upstream() {
        let knative = ("K_SERVICE", "f");
        let (mistakes, ..) = notes("http://127.0.0.1:8012", &[knative]);
        assert!(mistakes[0].starts_with("upstream_url: 8012 belongs to Knative's queue-proxy"), "{mistakes:?}");
        assert_eq!(notes("http://app:8012", &[knative]), (vec![], vec![], Some(8081)));
        let (_, warnings, _) = notes("http://localhost:9090", &[]);
        assert!(warnings[0].starts_with("upstream_url: 9090 would clash with queue-proxy"), "{warnings:?}");
    }
}
