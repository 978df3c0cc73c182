//! How the file's server is started for the check: from here, and on a port of its own.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};

/// The port that the file shows.
pub(super) const DEFAULT_PORT: &str = "4437";

/// The command as shown, but run for this repository, from elsewhere, on another port.
pub(super) fn server_command(command: &str, root: &Path, port: &str) -> String {
    let manifest = root.join("Cargo.toml");
    let quiet = format!("cargo run --quiet --manifest-path '{}'", manifest.display());
    let mut command = command.replace(DEFAULT_PORT, port);
    if let Some(args) = command.strip_prefix("cargo run") {
        let verb = if args.contains(" -- ") { "" } else { " -- serve" };
        command = format!("{quiet}{args}{verb}");
    } else if let Some(args) = command.strip_prefix("headwater") {
        let verb = if args.trim().is_empty() { " serve" } else { "" };
        command = format!("{quiet} --release --{verb}{args}");
    }
    if !command.contains(port) {
        command = format!("{command} --listen 127.0.0.1:{port}");
    }
    // Signals are meant for the server itself, not for a shell around it.
    format!("exec {command}")
}

/// A port that nobody listens on.
pub(super) fn free_port() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr().context("a listener has an address")?.port().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gets_its_own_port() {
        let root = Path::new("repo");
        assert_eq!(
            server_command("cargo run --release", root, "5000"),
            "exec cargo run --quiet --manifest-path 'repo/Cargo.toml' --release -- serve \
             --listen 127.0.0.1:5000"
        );
        assert_eq!(
            server_command("headwater serve --listen 127.0.0.1:4437", root, "5000"),
            "exec cargo run --quiet --manifest-path 'repo/Cargo.toml' --release -- serve \
             --listen 127.0.0.1:5000"
        );
    }
}
