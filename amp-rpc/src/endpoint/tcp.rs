//! TCP, with segments sent as soon as there is something to send: a call must not wait for more.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::time::Instant;

use super::ConnectEndpoint;
use crate::transport::{Address, Addresses, Side, Transport};

pub(super) async fn connect(
    host: &str,
    port: u16,
    bind_address: Option<IpAddr>,
    timeout: Duration,
) -> io::Result<Transport> {
    // As in the rest of the world, no host is this one.
    let host = if host.is_empty() { "localhost" } else { host };
    let begin = Instant::now();
    let mut addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if let Some(local) = bind_address {
        addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
    }
    let left = timeout.saturating_sub(begin.elapsed());
    let stream = try_each(&addresses, left, |address| {
        connect_to(address, bind_address)
    })
    .await?;
    let remote = stream.peer_addr().ok();
    Ok(transport(stream, remote, Side::Connecting).host(host))
}

/// A connection that somebody else has made.
#[cfg(all(unix, feature = "process"))]
pub(super) fn adopt(stream: std::net::TcpStream, side: Side) -> io::Result<Transport> {
    stream.set_nonblocking(true)?;
    let stream = TcpStream::from_std(stream)?;
    prepare(&stream);
    let remote = stream.peer_addr().ok();
    Ok(transport(stream, remote, side))
}

fn transport(stream: TcpStream, remote: Option<SocketAddr>, side: Side) -> Transport {
    let addresses = Addresses {
        local: stream.local_addr().ok().map(Address::Tcp),
        remote: remote.map(Address::Tcp),
    };
    Transport::new(stream, addresses, side)
}

/// Sets what every connection needs. It fails on some systems when the peer is gone already, which reading will tell; and a
/// connection is as good without.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = look_for_life(stream);
}

/// Has the system find out when the other end is gone although nothing says so: after a minute of silence it asks
/// four times, every 15 seconds. It also notices peers that answer no sign of life of AMP's.
#[cfg(unix)]
fn look_for_life(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;

    sockopt::set_socket_keepalive(stream, true)?;
    #[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
    {
        sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
        sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15))?;
        sockopt::set_tcp_keepcnt(stream, 4)?;
    }
    Ok(())
}

/// Elsewhere tokio has no such option for a stream that is connected.
#[cfg(not(unix))]
fn look_for_life(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Connects to the first address that answers.
///
/// Each gets an equal share of the time that is left, so that one that swallows everything does not
/// keep the others from being tried. The last one has no bound here.
async fn try_each<T, F>(
    addresses: &[SocketAddr],
    timeout: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let Some((last, others)) = addresses.split_last() else {
        return Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "the host has no address, or none of the bind address's version of IP",
        ));
    };
    let begin = Instant::now();
    for (index, address) in others.iter().enumerate() {
        let left = timeout.saturating_sub(begin.elapsed());
        let untried = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        if let Ok(Ok(connected)) = tokio::time::timeout(left / untried, connect(*address)).await {
            return Ok(connected);
        }
    }
    connect(*last).await
}

async fn connect_to(address: SocketAddr, bind_address: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = socket_for(address)?;
    if let Some(local) = bind_address {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    let stream = socket.connect(address).await?;
    check_other(&stream)?;
    prepare(&stream);
    Ok(stream)
}

/// Refuses a socket that is connected to itself: nobody listens, but the system has chosen the very port that was
/// asked for as this side's, which TCP takes for both sides connecting at the same time. Who tries again and again
/// to connect to this machine comes to it sooner or later.
fn check_other(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nobody listens there: the socket has connected to itself",
        ));
    }
    Ok(())
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
    /// A listener that somebody else has made.
    #[cfg(all(unix, feature = "process"))]
    pub(super) fn adopt(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let inner = TcpListener::from_std(listener)?;
        let address = inner.local_addr()?;
        Ok(Self { inner, address })
    }

    pub(super) async fn accept(&self) -> io::Result<Transport> {
        let (stream, remote) = self.accept_stream().await?;
        Ok(transport(stream, Some(remote), Side::Accepting))
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, remote) = self.inner.accept().await?;
        prepare(&stream);
        Ok((stream, remote))
    }

    pub(super) fn endpoint(&self) -> ConnectEndpoint {
        endpoint_of(self.address)
    }
}

fn endpoint_of(address: SocketAddr) -> ConnectEndpoint {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        IpAddr::V4(ip) => ip.to_string(),
        // An address of one link is none without the link.
        IpAddr::V6(ip) => match address {
            SocketAddr::V6(address) if address.scope_id() != 0 => {
                format!("{ip}%{}", address.scope_id())
            }
            _ => ip.to_string(),
        },
    };
    ConnectEndpoint::tcp(host, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_is_connected_to_itself_is_none() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let own = socket.local_addr().unwrap();
        // Not every system does it.
        if let Ok(stream) = socket.connect(own).await {
            let error = check_other(&stream).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let other = listener.unwrap();
        let stream = TcpStream::connect(other.local_addr().unwrap()).await;
        check_other(&stream.unwrap()).unwrap();
    }

    fn check_endpoint(address: &str, expected: &str) {
        let endpoint = endpoint_of(address.parse().unwrap());
        assert_eq!(endpoint.to_string(), expected);
    }

    #[test]
    fn an_endpoint_leads_to_the_listener() {
        check_endpoint("192.0.2.1:80", "tcp:192.0.2.1:80");
        check_endpoint("0.0.0.0:80", "tcp:127.0.0.1:80");
        check_endpoint("[::]:80", r"tcp:\:\:1:80");
        check_endpoint("[2001:db8::1]:80", r"tcp:2001\:db8\:\:1:80");
        check_endpoint("[fe80::1%3]:80", r"tcp:fe80\:\:1%3:80");
    }

    /// Both sides of a connection.
    async fn both() -> [TcpStream; 2] {
        let listener = listen("127.0.0.1", 0, 50).await.unwrap();
        let client = connect_to(listener.address, None).await.unwrap();
        let (server, _) = listener.accept_stream().await.unwrap();
        [client, server]
    }

    #[tokio::test]
    async fn neither_side_waits_for_more_to_send() {
        for side in both().await {
            assert!(side.nodelay().unwrap());
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_system_looks_for_peers_that_are_gone_on_either_side() {
        use rustix::net::sockopt;

        for side in both().await {
            assert!(sockopt::socket_keepalive(&side).unwrap());
            let idle = sockopt::tcp_keepidle(&side).unwrap();
            assert_eq!(idle, Duration::from_secs(60));
        }
    }

    fn addresses(count: u16) -> Vec<SocketAddr> {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        (1..=count).map(address).collect()
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_the_others_from_being_tried() {
        let connect = async |address: SocketAddr| match address.port() {
            3 => Ok(3),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        let connected = try_each(&addresses(4), Duration::from_secs(20), connect).await;
        assert_eq!(connected.unwrap(), 3);
    }

    /// The clock stands still while anything can be done, so no machine is too slow for this.
    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_silent_does_not_keep_the_others_from_being_tried() {
        let connect = async |address: SocketAddr| match address.port() {
            3 => Ok(3),
            _ => std::future::pending().await,
        };
        let begin = Instant::now();
        let connected = try_each(&addresses(3), Duration::from_secs(30), connect).await;
        assert_eq!(connected.unwrap(), 3);
        let tenths = (begin.elapsed().as_secs_f64() * 10.0).round();
        assert_eq!(tenths, 200.0, "two of three shares of 30 seconds");
    }

    #[tokio::test]
    async fn the_error_is_the_last_address_s() {
        let connect = async |address: SocketAddr| match address.port() {
            3 => Err::<(), _>(io::ErrorKind::HostUnreachable.into()),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        let connected = try_each(&addresses(3), Duration::from_secs(20), connect).await;
        assert_eq!(
            connected.unwrap_err().kind(),
            io::ErrorKind::HostUnreachable
        );
    }

    #[tokio::test]
    async fn a_host_without_a_fitting_address_is_an_error() {
        let local = Some(Ipv6Addr::LOCALHOST.into());
        let connected = connect("127.0.0.1", 1, local, Duration::from_secs(20)).await;
        let error = connected.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
