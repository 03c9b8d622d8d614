//! Why the command cannot listen, and what to do about it.

use std::{io, net::ToSocketAddrs as _};

/// One sentence. It names the options that chose the address.
pub(crate) fn explain(host: &str, port: u16, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; choose another port (--port, CLERK_EMULATOR_PORT), or 0 for a free one"
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not take that port; choose one of 1024 or more (--port, CLERK_EMULATOR_PORT), or 0 for a free one"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose one of its own (--host, CLERK_EMULATOR_HOST), such as 127.0.0.1"
        }
        // A name that has no address has an error of no kind.
        _ if (host, port).to_socket_addrs().is_err() => {
            "no address is known for that host; choose an address of this machine (--host, CLERK_EMULATOR_HOST), such as 127.0.0.1"
        }
        _ => return format!("cannot listen on {host}, port {port}: {error}"),
    };
    format!("cannot listen on {host}, port {port}: {advice}")
}
