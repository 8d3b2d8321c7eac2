//! Listening and connecting, over every kind of endpoint, and how servers end.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amp_rpc::{
    Address, Amp, AmpBox, ConnectEndpoint, ConnectError, EndReason, Failure, ListenEndpoint,
    ListenError, Peer, Responders, Server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, Semaphore};

type Raw = Result<AmpBox, Failure>;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

async fn echo(message: AmpBox, _: Peer) -> Raw {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

async fn listen(endpoint: &str) -> Server {
    echoing().listen(endpoint).await.unwrap()
}

async fn connect(server: &Server) -> Peer {
    soon(Amp::new().connect_to(server.endpoint()))
        .await
        .unwrap()
}

/// Calls `Echo` and checks what comes back.
async fn call(peer: &Peer) {
    let arguments = AmpBox::from([("text", "hello")]);
    let answer = soon(peer.call_box("Echo", arguments)).await.unwrap();
    assert_eq!(answer.get("text").unwrap(), b"hello");
}

/// What the system said.
fn io_kind(error: &dyn Error) -> ErrorKind {
    let source = error.source().expect("an error with a source");
    source.downcast_ref::<io::Error>().unwrap().kind()
}

async fn refused(endpoint: &ConnectEndpoint) -> ErrorKind {
    io_kind(&soon(Amp::new().connect_to(endpoint)).await.unwrap_err())
}

/// The port that the system chose.
fn port(server: &Server) -> String {
    let endpoint = server.endpoint().to_string();
    endpoint.rsplit(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn tcp_serves_calls_on_a_port_that_the_system_chooses() {
    let server = listen("tcp:0").await;
    let endpoint = server.endpoint().to_string();
    assert!(endpoint.starts_with("tcp:127.0.0.1:"), "{endpoint}");
    assert_ne!(endpoint, "tcp:127.0.0.1:0");
    call(&Amp::new().connect(&endpoint).await.unwrap()).await;
}

#[tokio::test]
async fn tcp_takes_the_interface_before_the_port() {
    let server = listen("tcp:127.0.0.1:0:backlog=1").await;
    call(&connect(&server).await).await;
}

#[tokio::test]
async fn tcp_looks_names_up() {
    let server = listen("tcp:localhost:0").await;
    let endpoint = format!("tcp:localhost:{}:timeout=20", port(&server));
    call(&Amp::new().connect(&endpoint).await.unwrap()).await;
}

#[tokio::test]
async fn tcp_knows_who_is_at_the_ends() {
    let server = listen("tcp:127.0.0.1:0").await;
    let client = connect(&server).await;
    call(&client).await;
    let accepted = &server.peers()[0];
    assert_eq!(client.addresses().local, accepted.addresses().remote);
    assert_eq!(client.addresses().remote, accepted.addresses().local);
    let remote = client.addresses().remote.as_ref().unwrap().to_string();
    assert_eq!(remote, format!("127.0.0.1:{}", port(&server)));
}

#[tokio::test]
async fn tcp_connects_from_the_bind_address() {
    // Only Linux has all of 127.0.0.0/8 without being told.
    let last = if cfg!(target_os = "linux") { 2 } else { 1 };
    let server = listen("tcp:127.0.0.1:0").await;
    let endpoint = format!("{}:bindAddress=127.0.0.{last}", server.endpoint());
    let client = Amp::new().connect(&endpoint).await.unwrap();
    call(&client).await;
    let Some(Address::Tcp(local)) = client.addresses().local else {
        panic!("{client:?}");
    };
    assert_eq!(local.ip().to_string(), format!("127.0.0.{last}"));
}

#[tokio::test]
async fn tcp_cannot_listen_on_a_port_that_is_taken() {
    let server = listen("tcp:127.0.0.1:0").await;
    let endpoint = ListenEndpoint::tcp("127.0.0.1", port(&server).parse().unwrap());
    let error = echoing().listen_on(&endpoint).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), format!("cannot listen on {endpoint}"));
}

#[tokio::test]
async fn tcp_refuses_where_nobody_listens() {
    let server = listen("tcp:127.0.0.1:0").await;
    let endpoint = server.endpoint().clone();
    server.shutdown(LONG).await;
    assert_eq!(refused(&endpoint).await, ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn memory_serves_calls() {
    let server = listen("memory:serves calls").await;
    let client = Amp::new().connect("memory:serves calls").await.unwrap();
    call(&client).await;
    let name = Some(Address::Memory("serves calls".to_owned()));
    assert_eq!(client.addresses().remote, name);
    assert_eq!(server.peers()[0].addresses().local, name);
}

#[tokio::test]
async fn a_name_in_memory_is_free_again_after_a_shutdown() {
    let server = listen("memory:free again").await;
    let endpoint = server.endpoint().clone();
    server.shutdown(LONG).await;
    assert_eq!(refused(&endpoint).await, ErrorKind::ConnectionRefused);
    let server = listen("memory:free again").await;
    call(&connect(&server).await).await;
}

#[tokio::test]
async fn strings_that_are_no_endpoints() {
    let error = Amp::new().connect("tcp:localhost").await.unwrap_err();
    assert!(matches!(error, ConnectError::Endpoint { .. }));
    assert_eq!(
        error.to_string(),
        "cannot connect to \"tcp:localhost\": not an endpoint"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "tcp: the option \"port\" is missing; it is written as in \"tcp:localhost:8080\""
    );
    let error = Amp::new().listen("udp:443").await.unwrap_err();
    assert!(matches!(error, ListenError::Endpoint { .. }));
    assert_eq!(
        error.to_string(),
        "cannot listen on \"udp:443\": not an endpoint"
    );
    let text = error.source().unwrap().to_string();
    let expected = "unknown kind \"udp\"; the kinds are tcp, ";
    assert!(text.starts_with(expected), "{text}");
}

#[tokio::test]
async fn futures_can_move_between_threads() {
    fn check<T: Send>(_: &T) {}
    check(&Amp::new().connect("tcp:localhost:1"));
    check(&Amp::new().listen("tcp:0"));
    let server = listen("tcp:127.0.0.1:0").await;
    check(&server.shutdown(LONG));
}

/// A server whose `Wait` answers when the test lets it.
struct Waiting {
    server: Server,
    started: Arc<Notify>,
    go: Arc<Semaphore>,
}

async fn waiting(endpoint: &str) -> Waiting {
    let started = Arc::new(Notify::new());
    let go = Arc::new(Semaphore::new(0));
    let (notify, semaphore) = (Arc::clone(&started), Arc::clone(&go));
    let wait = move |message: AmpBox, _| {
        let semaphore = Arc::clone(&semaphore);
        notify.notify_one();
        async move {
            let _permit = semaphore.acquire().await;
            Raw::Ok(message)
        }
    };
    let amp = Amp::new().locator(Responders::new().on_box("Wait", wait));
    Waiting {
        server: amp.listen(endpoint).await.unwrap(),
        started,
        go,
    }
}

#[tokio::test]
async fn a_shutdown_lets_what_runs_finish() {
    let Waiting {
        server,
        started,
        go,
    } = waiting("tcp:127.0.0.1:0").await;
    let endpoint = server.endpoint().clone();
    let client = connect(&server).await;
    let idle = connect(&server).await;
    let answer = tokio::spawn(
        client
            .call_box("Wait", AmpBox::from([("text", "hello")]))
            .owned(),
    );
    soon(started.notified()).await;
    let shutdown = tokio::spawn(server.shutdown(LONG));
    // The connection that does nothing is closed, which shows that the shutdown has begun.
    assert!(matches!(soon(idle.closed()).await, EndReason::ClosedByPeer));
    assert_eq!(refused(&endpoint).await, ErrorKind::ConnectionRefused);
    assert!(!shutdown.is_finished());
    go.add_permits(1);
    let answer = soon(answer).await.unwrap().unwrap();
    assert_eq!(answer.get("text").unwrap(), b"hello");
    assert_eq!(soon(shutdown).await.unwrap(), 0);
    assert!(matches!(
        soon(client.closed()).await,
        EndReason::ClosedByPeer
    ));
}

#[tokio::test]
async fn a_shutdown_closes_at_its_limit_what_is_not_done() {
    let Waiting {
        server,
        started,
        go,
    } = waiting("tcp:127.0.0.1:0").await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    let calls =
        [&one, &other].map(|peer| tokio::spawn(peer.call_box("Wait", AmpBox::new()).owned()));
    soon(started.notified()).await;
    soon(started.notified()).await;
    let _idle = connect(&server).await;
    assert_eq!(soon(server.shutdown(Duration::from_millis(20))).await, 2);
    for call in calls {
        soon(call).await.unwrap().unwrap_err();
    }
    drop(go);
}

#[tokio::test]
async fn a_server_that_is_dropped_leaves_its_connections() {
    let server = listen("tcp:127.0.0.1:0").await;
    let endpoint = server.endpoint().clone();
    let client = connect(&server).await;
    call(&client).await;
    drop(server);
    soon(async {
        while Amp::new().connect_to(&endpoint).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    call(&client).await;
}

#[tokio::test]
async fn a_server_knows_its_open_connections() {
    let server = listen("memory:open connections").await;
    assert!(server.peers().is_empty());
    let (one, other) = (connect(&server).await, connect(&server).await);
    call(&one).await;
    call(&other).await;
    let peers = server.peers();
    assert_eq!(peers.len(), 2);
    one.close();
    soon(peers[0].closed()).await;
    soon(async {
        while server.peers().len() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(server.peers()[0].is_same_connection(&peers[1]));
}

#[tokio::test]
async fn a_bad_connection_does_not_disturb_the_others() {
    let server = listen("tcp:127.0.0.1:0").await;
    let address = format!("127.0.0.1:{}", port(&server));
    let good = connect(&server).await;
    call(&good).await;
    let mut bad = tokio::net::TcpStream::connect(&address).await.unwrap();
    bad.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    soon(bad.read_to_end(&mut Vec::new())).await.unwrap();
    let half = tokio::net::TcpStream::connect(&address).await.unwrap();
    half.try_write(b"\x00\x04_as").unwrap();
    drop(half);
    drop(std::net::TcpStream::connect(&address).unwrap());
    call(&good).await;
    call(&connect(&server).await).await;
}

#[tokio::test]
async fn a_locator_that_cannot_be_made_does_not_end_the_server() {
    let count = AtomicUsize::new(0);
    let amp = Amp::new().locator_for_each(move |_| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        assert!(!first, "the first connection has no luck");
        Responders::new().on_box("Echo", echo)
    });
    let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
    soon(connect(&server).await.closed()).await;
    call(&connect(&server).await).await;
    assert_eq!(soon(server.shutdown(LONG)).await, 0);
}
