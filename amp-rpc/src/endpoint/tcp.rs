//! TCP, with segments sent as soon as there is something to send: a call must not wait for more.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::time::Instant;

use super::ConnectEndpoint;
use crate::transport::{Address, Addresses, BoxedStream};

/// Connects to the first of the host's addresses that answers.
///
/// Each gets an equal share of the time that is left, so that one that swallows everything does not
/// keep the others from being tried.
pub(super) async fn connect(
    host: &str,
    port: u16,
    bind_address: Option<IpAddr>,
    timeout: Duration,
) -> io::Result<(BoxedStream, Addresses)> {
    let begin = Instant::now();
    let mut addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if let Some(local) = bind_address {
        addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
    }
    let mut last_error = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = timeout.saturating_sub(begin.elapsed());
        // The last one gets all that is left: it ends with the connecting itself.
        let share = match addresses.len() - index {
            1 => timeout,
            others => left / u32::try_from(others).unwrap_or(u32::MAX),
        };
        match tokio::time::timeout(share, connect_to(*address, bind_address)).await {
            Ok(Ok(stream)) => return opened(stream),
            Ok(Err(error)) => last_error = Some(error),
            Err(_) => last_error = Some(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last_error.unwrap_or_else(|| {
        io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "the host has no address, or none of the bind address's version of IP",
        )
    }))
}

async fn connect_to(address: SocketAddr, bind_address: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = socket_for(address)?;
    if let Some(local) = bind_address {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    socket.connect(address).await
}

fn opened(stream: TcpStream) -> io::Result<(BoxedStream, Addresses)> {
    stream.set_nodelay(true)?;
    let addresses = Addresses {
        local: stream.local_addr().ok().map(Address::Tcp),
        remote: stream.peer_addr().ok().map(Address::Tcp),
    };
    Ok((Box::new(stream), addresses))
}

/// Listens on the first of the interface's addresses that is free.
pub(super) async fn listen(interface: &str, port: u16, backlog: u32) -> io::Result<Listener> {
    let addresses = if interface.is_empty() {
        vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]
    } else {
        lookup_host((interface, port)).await?.collect()
    };
    let mut last_error = None;
    for address in addresses {
        match listen_on(address, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| {
        io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "the interface has no address",
        )
    }))
}

fn listen_on(address: SocketAddr, backlog: u32) -> io::Result<Listener> {
    let socket = socket_for(address)?;
    // A server that is started again can listen at once. On Windows the option means that two can
    // listen on the same port.
    if cfg!(not(windows)) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    // The system takes a signed number, and lowers it to its own bound.
    let inner = socket.listen(backlog.min(i32::MAX as u32))?;
    let address = inner.local_addr()?;
    Ok(Listener { inner, address })
}

fn socket_for(address: SocketAddr) -> io::Result<TcpSocket> {
    match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
}

#[derive(Debug)]
pub(crate) struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<(BoxedStream, Addresses)> {
        let (stream, remote) = self.inner.accept().await?;
        // It fails on some systems when the peer is gone already; reading will tell.
        let _ = stream.set_nodelay(true);
        let addresses = Addresses {
            local: stream.local_addr().ok().map(Address::Tcp),
            remote: Some(Address::Tcp(remote)),
        };
        Ok((Box::new(stream), addresses))
    }

    pub(super) fn endpoint(&self) -> ConnectEndpoint {
        let host = match self.address.ip() {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        ConnectEndpoint::tcp(host.to_string(), self.address.port())
    }
}
