//! Where to listen: `listen`, `port`, or what the platform says; and the ports that are not ours.

use super::kind::Value;
use super::read::Reader;
use super::{upstream, value};
use crate::front::{Address, MetricsPort};

/// queue-proxy sits in the same network namespace: <https://knative.dev> names them as its own.
pub(super) const RESERVED: [u16; 7] = [8008, 8012, 8013, 8022, 8112, 9090, 9091];

/// The addresses of calls; never empty.
pub(super) fn listen(reader: &mut Reader<'_>) -> Vec<Address> {
    if let Some(Value::Addresses(addresses, _)) = reader.given("listen") {
        let addresses = addresses.clone();
        if let Some(by) = reader.set_by("port") {
            reader.warn(by, "has no effect, since listen is set".to_owned());
        }
        reader.resolve("port", "-".to_owned(), "listen is set".to_owned());
        return addresses;
    }
    if let Some(port) = reader.port_if_set("port") {
        return vec![Address::Tcp { host: None, port }];
    }
    let (addresses, from) = of_platform(reader);
    reader.resolve_default("port", show(&addresses), from.to_owned());
    addresses
}

fn of_platform(reader: &mut Reader<'_>) -> (Vec<Address>, &'static str) {
    let everywhere = |port| vec![Address::Tcp { host: None, port }];
    if let Some(text) = reader.platform("LISTEN_ADDRESS") {
        let addresses = right(reader, "LISTEN_ADDRESS", &text, value::addresses);
        return (addresses.unwrap_or_else(|| everywhere(0)), "LISTEN_ADDRESS");
    }
    let Some(text) = reader.platform("PORT") else { return (everywhere(8080), "default") };
    let port = right(reader, "PORT", &text, value::port).unwrap_or(0);
    // ADDRESS alone may be anything, a street for example.
    let Some(text) = reader.platform("ADDRESS") else { return (everywhere(port), "PORT") };
    let host = right(reader, "ADDRESS", &text, value::host);
    (vec![Address::Tcp { host, port }], "ADDRESS and PORT")
}

/// The value of a platform's variable, or a mistake that shows the way round it.
fn right<T>(
    reader: &mut Reader<'_>,
    name: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, value::Wrong>,
) -> Option<T> {
    // One that does not matter must not stop the start.
    if reader.is_set("port") || reader.is_set("listen") {
        return parse(text.trim()).ok();
    }
    match parse(text.trim()) {
        Ok(value) => Some(value),
        Err(wrong) => {
            reader.mistake(name, format!("{text:?} {wrong}; port or listen in lower case go before it"));
            None
        }
    }
}

fn show(addresses: &[Address]) -> String {
    addresses.iter().map(show_one).collect::<Vec<_>>().join(",")
}

fn show_one(address: &Address) -> String {
    match address {
        Address::Tcp { host: None, port } => port.to_string(),
        Address::Tcp { host: Some(host), port } => std::net::SocketAddr::new(*host, *port).to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// The second listener; `None` is off.
pub(super) fn metrics(reader: &mut Reader<'_>, listen: &[Address]) -> Option<MetricsPort> {
    let port = reader.port("metrics_port");
    let by_hand = reader.is_set("metrics_port");
    if port == 0 {
        return None;
    }
    let Some(owner) = owner(reader, listen, port) else { return Some(MetricsPort { port, by_hand }) };
    if by_hand {
        reader.mistake("metrics_port", format!("{port} is the port of {owner} too (try another, or 0 for none)"));
    } else {
        // A platform that hands out 8081 knows nothing of our second port: the calls have it.
        reader.warn("metrics_port", format!("off, since its default {port} is the port of {owner}"));
        reader.resolve("metrics_port", "0".to_owned(), format!("the default is the port of {owner}"));
    }
    None
}

/// Who has this port already.
fn owner(reader: &Reader<'_>, listen: &[Address], port: u16) -> Option<&'static str> {
    if listen.iter().any(|address| tcp_port(address) == Some(port)) {
        return Some("calls");
    }
    (upstream_port(reader) == Some(port)).then_some("http_upstream_url")
}

fn upstream_port(reader: &Reader<'_>) -> Option<u16> {
    upstream::address(reader).and_then(|address| upstream::local_port(&address))
}

/// The port of an address that has one; 0 while the kernel is still to choose it.
pub(super) fn tcp_port(address: &Address) -> Option<u16> {
    match address {
        Address::Tcp { port, .. } => Some(*port),
        Address::Unix(_) => None,
    }
}

/// Refuses the ports of queue-proxy where it is there, and warns of them elsewhere.
pub(super) fn check_reserved(reader: &mut Reader<'_>, listen: &[Address], metrics: Option<MetricsPort>) {
    let knative = reader.platform("K_SERVICE").is_some();
    let name = if reader.is_set("listen") { "listen" } else { port_name(reader) };
    let calls = listen.iter().filter_map(tcp_port).map(|port| (name, port));
    let handler = upstream_port(reader).map(|port| (reader.set_by("http_upstream_url").unwrap_or_default(), port));
    let all: Vec<_> = calls.chain(metrics.map(|metrics| ("metrics_port", metrics.port))).chain(handler).collect();
    for (name, port) in all.into_iter().filter(|(_, port)| RESERVED.contains(port)) {
        let theirs = RESERVED.map(|port| port.to_string()).join(", ");
        if knative {
            reader.mistake(name, format!("{port} belongs to Knative's queue-proxy (try any but {theirs})"));
        } else {
            reader.warn(name, format!("{port} would clash with queue-proxy under Knative (it has {theirs})"));
        }
    }
}

/// The name that the port came from.
fn port_name(reader: &mut Reader<'_>) -> &'static str {
    if reader.is_set("port") {
        return "port";
    }
    ["LISTEN_ADDRESS", "PORT"].into_iter().find(|name| reader.platform(name).is_some()).unwrap_or("port")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vars;

    fn check(vars: &[(&str, &str)], expect: &str) {
        let all: Vars = vars.iter().copied().collect();
        let mut reader = Reader::new(&all);
        assert_eq!(show(&listen(&mut reader)), expect, "{vars:?}");
        assert_eq!(reader.mistakes, [], "{vars:?}");
    }

    fn mistakes(vars: &[(&str, &str)]) -> Vec<String> {
        let all: Vars = vars.iter().copied().collect();
        let mut reader = Reader::new(&all);
        let addresses = listen(&mut reader);
        let metrics = metrics(&mut reader, &addresses);
        check_reserved(&mut reader, &addresses, metrics);
        reader.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_nearest_name_wins() {
        check(&[], "8080");
        check(&[("PORT", "9000")], "9000");
        check(&[("PORT", "9000"), ("ADDRESS", "127.0.0.1")], "127.0.0.1:9000");
        check(&[("ADDRESS", "Main Street 5")], "8080");
        check(&[("PORT", "9000"), ("ADDRESS", "::1"), ("LISTEN_ADDRESS", ":7000")], "7000");
        check(&[("PORT", "x"), ("LISTEN_ADDRESS", "y"), ("port", "6000")], "6000");
        check(&[("port", "6000"), ("listen", "[::1]:5000,unix:/a")], "[::1]:5000,unix:/a");
        check(&[("port", "0")], "0");
    }

    #[test]
    fn a_wrong_port_of_the_platform_shows_the_way_round() {
        assert_eq!(
            mistakes(&[("PORT", "tcp://10.0.0.1:80")]),
            ["PORT: \"tcp://10.0.0.1:80\" is not a port (try 8080, at most 65535); port or listen in lower case go \
                 before it"]
        );
    }

    #[test]
    fn ports_of_queue_proxy_are_refused_where_it_is() {
        assert_eq!(mistakes(&[("port", "9090")]), [""; 0]);
        let refused = mistakes(&[("K_SERVICE", "f"), ("PORT", "8012"), ("metrics_port", "9091")]);
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].starts_with("PORT: 8012 belongs to Knative's queue-proxy"), "{refused:?}");
        assert!(refused[1].starts_with("metrics_port: 9091 belongs"), "{refused:?}");
        assert!(mistakes(&[("K_SERVICE", "f"), ("listen", "127.0.0.1:8022")])[0].starts_with("listen: 8022"));
    }

    #[test]
    fn one_port_cannot_be_both() {
        assert!(
            mistakes(&[("port", "9000"), ("metrics_port", "9000")])[0].starts_with("metrics_port: 9000 is the port")
        );
        assert_eq!(mistakes(&[("port", "0"), ("metrics_port", "0")]), [""; 0]);
        assert_eq!(mistakes(&[("PORT", "8081")]), [""; 0]);
    }
}
