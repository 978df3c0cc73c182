//! What is said on standard output once the server serves.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::roots::StreamRoots;
use crate::storage::Adapter;

/// Writes the addresses first, a line each, which scripts read, then what a person wants to know and can copy.
pub(super) fn announce(
    out: &mut impl Write,
    listening: SocketAddr,
    admin: Option<SocketAddr>,
    storage: Adapter,
    data_dir: &Path,
    roots: &StreamRoots,
) -> io::Result<()> {
    let url = format!("http://{}{}hello", reachable(listening), roots.first());
    writeln!(out, "listening on http://{listening}")?;
    match admin {
        Some(admin) => writeln!(out, "admin on http://{admin}")?,
        None => writeln!(out, "admin: off")?,
    }
    match storage {
        Adapter::Memory => {
            writeln!(out, "data directory: none; everything is forgotten at the end")?;
        }
        Adapter::Sled | Adapter::Journal => {
            let absolute = std::path::absolute(data_dir);
            let shown = absolute.as_deref().unwrap_or(data_dir);
            writeln!(out, "data directory: {}", shown.display())?;
        }
    }
    writeln!(out, "storage: {storage}")?;
    writeln!(out)?;
    writeln!(out, "  curl -X PUT {url} -H 'content-type: text/plain'")?;
    writeln!(out, "  curl -X POST {url} -H 'content-type: text/plain' -d 'hello, world'")?;
    writeln!(out, "  curl -N '{url}?offset=-1&live=sse'")?;
    writeln!(out)?;
    out.flush()
}

/// The address to use from this machine: one that listens everywhere listens on loopback too.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(address: &str, storage: Adapter) -> Vec<String> {
        let mut out = Vec::new();
        announce(
            &mut out,
            address.parse().unwrap(),
            "127.0.0.1:2".parse().ok(),
            storage,
            Path::new("/data"),
            &StreamRoots::default(),
        )
        .unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_address_comes_first_and_the_commands_use_it() {
        let lines = said("127.0.0.1:4437", Adapter::Journal);
        assert_eq!(lines[0], "listening on http://127.0.0.1:4437");
        assert_eq!(lines[1], "admin on http://127.0.0.1:2");
        assert_eq!(lines[2], "data directory: /data");
        assert_eq!(lines[3], "storage: journal");
        let curls: Vec<_> = lines.iter().filter(|line| line.contains("curl ")).collect();
        assert_eq!(curls.len(), 3);
        assert!(curls.iter().all(|line| line.contains("http://127.0.0.1:4437/v1/stream/hello")));
        assert!(said("127.0.0.1:1", Adapter::Memory)[2].contains("none"));
    }

    #[test]
    fn an_address_that_is_everywhere_is_reached_on_loopback() {
        for (address, reached) in
            [("0.0.0.0:1", "http://127.0.0.1:1/"), ("[::]:1", "http://[::1]:1/")]
        {
            let lines = said(address, Adapter::Memory);
            assert_eq!(lines[0], format!("listening on http://{address}"));
            assert!(lines[5].contains(reached), "{lines:?}");
        }
    }
}
