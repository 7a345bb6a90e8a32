//! What the kernel holds for a connection on this machine (proc_net_tcp.txt of the kernel).

/// Of one end, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Written by it, and not yet taken by the other end's kernel.
    pub unsent: u64,
    /// Taken from the other end, and not read by it.
    pub unread: u64,
}

/// Of the end with the port `own`, whose other end has the port `other`; `None` if there is no such connection.
pub fn of(own: u16, other: u16) -> Option<Queues> {
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|path| {
        // A machine without IPv6 has no such file.
        let table = std::fs::read_to_string(path).unwrap_or_default();
        table.lines().find_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [_, from, to, _, queues, ..] = fields[..] else { return None };
            let (unsent, unread) = queues.split_once(':')?;
            let is_it = from.ends_with(&format!(":{own:04X}")) && to.ends_with(&format!(":{other:04X}"));
            let bytes = |hex| u64::from_str_radix(hex, 16).expect("a number of the kernel's");
            is_it.then(|| Queues { unsent: bytes(unsent), unread: bytes(unread) })
        })
    })
}
