//! Picks TCP ports that stay free while their owner is down.

use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which systems take the ports of outgoing connections (32,768 upwards on
/// Linux, 49,152 elsewhere), so that nobody gets the port by chance while a server is restarted.
const FIRST_PORT: u16 = 15_000;
const PORT_COUNT: u16 = 17_000;
const ATTEMPTS: usize = 100;

/// A port on 127.0.0.1 that nobody listens on at the moment.
///
/// Another process can still take it before the caller does: the caller tries again then.
pub(crate) fn unused_port() -> u16 {
    (0..ATTEMPTS)
        .map(|_| random_port())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap_or_else(|| panic!("no free port on 127.0.0.1 in {ATTEMPTS} attempts"))
}

fn random_port() -> u16 {
    let [.., high, low] = uuid::Uuid::new_v4().into_bytes();
    FIRST_PORT + u16::from_be_bytes([high, low]) % PORT_COUNT
}
