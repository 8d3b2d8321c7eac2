//! What ends the connections of servers, other than their peers: age, bounds, a shutdown.
//!
//! Where the time is paused, it goes on only while nothing else can: no machine is too slow for that.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc::wire::parse;
use amp_rpc::{
    Amp, AmpBox, BoxReceiver, BoxSender, CallError, EndReason, Failure, ListenEndpoint, Peer,
    Responders, Server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);
const AGE: Duration = Duration::from_secs(1000);
const GRACE: Duration = Duration::from_secs(300);

/// Fails a test that waits for ever. Not for paused time.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

/// The same where the time is paused.
async fn eventually<T>(future: impl Future<Output = T>) -> T {
    let end = tokio::time::timeout(100 * AGE, future).await;
    end.expect("waited for ever")
}

fn empty() -> AmpBox {
    AmpBox::new()
}

/// Responders `Echo`, which answers at once, and `Wait`, which answers when it is let through the gate.
fn serving() -> (Amp, Arc<Semaphore>) {
    async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
        Ok(message)
    }
    let gate = Arc::new(Semaphore::new(0));
    let waited = Arc::clone(&gate);
    let wait = move |message, _| {
        let gate = Arc::clone(&waited);
        async move {
            let _permit = gate.acquire_owned().await.unwrap();
            Ok(message)
        }
    };
    let responders = Responders::new().on_box("Echo", echo).on_box("Wait", wait);
    (Amp::new().locator(responders), gate)
}

async fn connect(server: &Server) -> Peer {
    Amp::new().connect_to(server.endpoint()).await.unwrap()
}

async fn echo(peer: &Peer) {
    peer.call_box("Echo", empty()).await.unwrap();
}

fn code(error: CallError) -> Vec<u8> {
    match error {
        CallError::Remote(error) => error.code.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// It is the age, give or take a tenth, and this much more.
#[track_caller]
fn check_age(elapsed: Duration, more: Duration) {
    let least = AGE - AGE / 10 + more;
    let most = AGE + AGE / 10 + more + Duration::from_millis(10);
    assert!((least..=most).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_closes_and_the_server_goes_on() {
    let (amp, _) = serving();
    let server = amp.max_age(AGE).listen("memory:age").await.unwrap();
    let begin = Instant::now();
    let peer = connect(&server).await;
    echo(&peer).await;
    assert!(matches!(peer.closed().await, EndReason::ClosedByPeer));
    check_age(begin.elapsed(), Duration::ZERO);
    echo(&connect(&server).await).await;
}

#[tokio::test(start_paused = true)]
async fn without_an_age_nothing_ends() {
    let (amp, _) = serving();
    let server = amp.listen("memory:no-age").await.unwrap();
    let peer = connect(&server).await;
    tokio::time::sleep(1000 * AGE).await;
    echo(&peer).await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_began_together_end_one_by_one() {
    let (amp, _) = serving();
    let server = amp.max_age(AGE).listen("memory:jitter").await.unwrap();
    let mut ends = Vec::new();
    let begin = Instant::now();
    for _ in 0..20 {
        let peer = connect(&server).await;
        ends.push(tokio::spawn(async move {
            peer.closed().await;
            begin.elapsed()
        }));
    }
    let mut times = Vec::new();
    for end in ends {
        times.push(end.await.unwrap());
    }
    times.sort();
    times.dedup();
    assert!(times.len() > 10, "{times:?}");
    check_age(times[0], Duration::ZERO);
    check_age(times[times.len() - 1], Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_lets_what_runs_finish() {
    let (amp, gate) = serving();
    let amp = amp.max_age(AGE).age_grace(AGE);
    let server = amp.listen("memory:finish").await.unwrap();
    let peer = connect(&server).await;
    let call = tokio::spawn(peer.call_box("Wait", AmpBox::from([("a", "1")])).owned());
    tokio::time::sleep(AGE + AGE / 10).await;
    let error = peer.call_box("Echo", empty()).await.unwrap_err();
    assert_eq!(code(error), b"BUSY");
    gate.add_permits(1);
    let answer = call.await.unwrap().unwrap();
    assert_eq!(answer.get("a"), Some(&b"1"[..]));
    assert!(matches!(peer.closed().await, EndReason::ClosedByPeer));
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_that_does_not_finish_is_closed() {
    let (amp, _gate) = serving();
    let amp = amp.max_age(AGE).age_grace(GRACE);
    let server = amp.listen("memory:grace").await.unwrap();
    let begin = Instant::now();
    let peer = connect(&server).await;
    let call = peer.call_box("Wait", empty());
    let error = eventually(call).await.unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedByPeer)),
        "{error:?}"
    );
    check_age(begin.elapsed(), GRACE);
}

struct Ignoring;

impl BoxReceiver for Ignoring {
    fn start_receiving_boxes(&mut self, _: BoxSender) {}

    fn box_received(&mut self, _: AmpBox) {}

    fn stop_receiving_boxes(&mut self, _: EndReason) {}
}

#[tokio::test(start_paused = true)]
async fn box_receivers_have_an_age_too() {
    let amp = Amp::new().max_age(AGE);
    let server = amp.listen_for_boxes("memory:boxes", || Ignoring).await;
    let server = server.unwrap();
    let begin = Instant::now();
    let peer = connect(&server).await;
    assert!(matches!(peer.closed().await, EndReason::ClosedByPeer));
    check_age(begin.elapsed(), Duration::ZERO);
}

/// Whoever uses this crate hears of a shutdown while something is under way; others hear of the end.
#[tokio::test]
async fn a_peer_is_told_that_the_other_side_finishes() {
    let gate = Arc::new(Semaphore::new(0));
    let through = Arc::clone(&gate);
    let wait = move |message: AmpBox, _: Peer| {
        let through = Arc::clone(&through);
        async move {
            through
                .acquire()
                .await
                .map_err(Failure::unexpected)?
                .forget();
            Result::<_, Failure>::Ok(message)
        }
    };
    let amp = Amp::new().locator(Responders::new().on_box("Wait", wait));
    let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
    let peer = (Amp::new().connect(&server.endpoint().to_string()))
        .await
        .unwrap();
    let call = peer.call_box("Wait", AmpBox::new()).start();
    let plain = (Amp::new().extensions(false))
        .connect(&server.endpoint().to_string())
        .await
        .unwrap();
    let other = plain.call_box("Wait", AmpBox::new()).start();
    while server
        .peers()
        .iter()
        .map(|peer| peer.stats().asks_received)
        .sum::<u64>()
        < 2
    {
        tokio::task::yield_now().await;
    }
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    peer.leaving().await;
    assert!(peer.end_reason().is_none());
    gate.add_permits(2);
    call.await.unwrap();
    other.await.unwrap();
    assert_eq!(shutdown.await.unwrap(), 0);
    plain.leaving().await;
    assert!(plain.end_reason().is_some());
}

#[tokio::test]
async fn beyond_the_bound_connections_are_closed_at_once() {
    let (amp, _) = serving();
    let amp = amp.max_connections(2);
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let mut open = server.connections();
    let (first, second) = (connect(&server).await, connect(&server).await);
    soon(echo(&first)).await;
    soon(echo(&second)).await;
    assert_eq!(open.count(), 2);
    for _ in 0..3 {
        let third = connect(&server).await;
        let error = soon(third.call_box("Echo", empty())).await.unwrap_err();
        assert!(matches!(error, CallError::Ended(_)), "{error:?}");
    }
    soon(echo(&first)).await;
    second.close();
    while open.count() == 2 {
        soon(open.changed()).await;
    }
    soon(echo(&connect(&server).await)).await;
}

/// One that says nothing is on its way for as long as a handshake may take.
#[tokio::test]
async fn connections_that_are_set_up_count() {
    let endpoint = "haproxy:tcp:0:interface=127.0.0.1";
    let server = Amp::new().max_connections(1).listen(endpoint).await;
    let server = server.unwrap();
    let mut open = server.connections();
    let _silent = connect(&server).await;
    soon(open.changed()).await;
    let refused = connect(&server).await;
    soon(refused.closed()).await;
    assert_eq!(open.count(), 1);
    assert!(server.peers().is_empty());
}

#[tokio::test]
async fn a_shutdown_can_be_watched() {
    let (amp, gate) = serving();
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let mut open = server.connections();
    let mut calls = Vec::new();
    for _ in 0..3 {
        let peer = connect(&server).await;
        calls.push(tokio::spawn(peer.call_box("Wait", empty()).owned()));
    }
    while open.count() < 3 {
        soon(open.changed()).await;
    }
    let idle = connect(&server).await;
    soon(echo(&idle)).await;
    assert_eq!(open.changed().await, Some(4));
    let shutdown = tokio::spawn(server.shutdown(LONG));
    soon(idle.closed()).await;
    drop(idle);
    let mut seen = Vec::new();
    gate.add_permits(3);
    while let Some(count) = soon(open.changed()).await {
        seen.push(count);
    }
    assert_eq!(seen.last(), Some(&0));
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    assert_eq!(open.count(), 0);
    assert_eq!(soon(shutdown).await.unwrap(), 0);
    soon(open.none()).await;
}

/// The bytes of a peer that knows nothing of this library, such as Twisted: what it has asked before the
/// shutdown is answered, what it asks meanwhile is refused, and then it learns the end.
#[tokio::test]
async fn a_shutdown_leaves_no_ask_without_its_caller_knowing() {
    fn ask(name: &str, tag: &str) -> Vec<u8> {
        let message = AmpBox::from([("_command", name), ("_ask", tag)]);
        message.to_bytes().unwrap()
    }

    async fn read_box(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<AmpBox> {
        loop {
            let first = parse(bytes).next().and_then(Result::ok);
            if let Some(first) = first.map(|view| view.to_owned()) {
                bytes.drain(..first.to_bytes().unwrap().len());
                return Some(first);
            }
            if soon(stream.read_buf(bytes)).await.unwrap() == 0 {
                return None;
            }
        }
    }

    let (amp, gate) = serving();
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let mut open = server.connections();
    let idle = connect(&server).await;
    let endpoint = server.endpoint().to_string();
    let address = endpoint.strip_prefix("tcp:").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = Vec::new();
    let mut asks = ask("Wait", "1");
    asks.extend(ask("Echo", "2"));
    stream.write_all(&asks).await.unwrap();
    let answer = read_box(&mut stream, &mut bytes).await.unwrap();
    assert_eq!(answer, AmpBox::from([("_answer", "2")]));
    let shutdown = tokio::spawn(server.shutdown(LONG));
    soon(idle.closed()).await;
    let told = AmpBox::from([("_command", "Echo")]).to_bytes().unwrap();
    stream.write_all(&told).await.unwrap();
    stream.write_all(&ask("Echo", "3")).await.unwrap();
    let refused = read_box(&mut stream, &mut bytes).await.unwrap();
    assert_eq!(refused.get("_error"), Some(&b"3"[..]));
    assert_eq!(refused.get("_error_code"), Some(&b"BUSY"[..]));
    let why = String::from_utf8_lossy(refused.get("_error_description").unwrap());
    assert!(why.contains("closing the connection"), "{why}");
    assert!(!shutdown.is_finished());
    gate.add_permits(1);
    let answer = read_box(&mut stream, &mut bytes).await.unwrap();
    assert_eq!(answer.get("_answer"), Some(&b"1"[..]));
    // What it asks behind the last answer has no answer, but an end.
    let _ = stream.write_all(&ask("Echo", "4")).await;
    assert_eq!(read_box(&mut stream, &mut bytes).await, None);
    drop(stream);
    assert_eq!(soon(shutdown).await.unwrap(), 0);
    assert_eq!(open.count(), 0);
    assert_eq!(open.changed().await, Some(0));
}

/// Many peers call as fast as they can, and the server shuts down in the midst of it. What was carried out
/// was answered, and what was not answered was not carried out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_shutdown_lets_run_is_answered() {
    const PEERS: usize = 16;
    const AHEAD: usize = 8;
    let (done, mut all_done) = mpsc::unbounded_channel();
    let work = move |message: AmpBox, _| {
        let done = done.clone();
        async move {
            tokio::task::yield_now().await;
            done.send(message.get("id").unwrap().to_vec()).unwrap();
            Ok::<_, Failure>(empty())
        }
    };
    let amp = Amp::new().locator(Responders::new().on_box("Work", work));
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    drop(amp);
    let mut calling = JoinSet::new();
    for peer in 0..PEERS {
        let connection = connect(&server).await;
        for ahead in 0..AHEAD {
            let connection = connection.clone();
            calling.spawn(async move {
                let mut answered = Vec::new();
                for call in 0.. {
                    let id = format!("{peer} {ahead} {call}");
                    let message = AmpBox::from([("id", id.as_str())]);
                    match connection.call_box("Work", message).await {
                        Ok(_) => answered.push(id.into_bytes()),
                        Err(CallError::Remote(error)) => assert_eq!(error.code, b"BUSY"[..]),
                        Err(CallError::Ended(_)) => return answered,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                unreachable!("it calls until the end");
            });
        }
    }
    let mut carried_out = Vec::new();
    while carried_out.len() < 2000 {
        carried_out.push(soon(all_done.recv()).await.unwrap());
    }
    assert_eq!(soon(server.shutdown(LONG)).await, 0);
    while let Some(id) = soon(all_done.recv()).await {
        carried_out.push(id);
    }
    let answered = soon(calling.join_all()).await;
    let mut answered: Vec<_> = answered.into_iter().flatten().collect();
    answered.sort();
    carried_out.sort();
    assert!(
        answered == carried_out,
        "{} {}",
        answered.len(),
        carried_out.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_side_finishes_within_its_limit_or_is_closed() {
    let (amp, gate) = serving();
    let server = amp.listen("memory:within").await.unwrap();
    let peer = connect(&server).await;
    let call = tokio::spawn(peer.call_box("Wait", empty()).owned());
    // Behind it, so that it is under way.
    echo(&peer).await;
    let begin = Instant::now();
    assert!(!peer.finish_within(GRACE).await);
    assert_eq!(begin.elapsed(), GRACE);
    let error = eventually(call).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Ended(EndReason::ClosedHere)));
    let peer = connect(&server).await;
    let call = tokio::spawn(peer.call_box("Wait", empty()).owned());
    echo(&peer).await;
    let later = tokio::spawn(async move {
        tokio::time::sleep(GRACE / 2).await;
        gate.add_permits(2);
    });
    assert!(peer.finish_within(GRACE).await);
    assert!(matches!(peer.end_reason(), Some(EndReason::ClosedHere)));
    call.await.unwrap().unwrap();
    later.await.unwrap();
}

/// What it has to say has left before it is done, or it says that it has not.
#[tokio::test(start_paused = true)]
async fn a_side_that_finishes_has_written_all() {
    let message = || AmpBox::from([("a", "b".repeat(1000))]);
    let (one, mut other) = tokio::io::duplex(16);
    let peer = Amp::new().over(one);
    peer.tell_box("Tell", message()).await.unwrap();
    let begin = Instant::now();
    assert!(!peer.finish_within(GRACE / 100).await);
    assert_eq!(begin.elapsed(), GRACE / 100);
    assert!(matches!(peer.end_reason(), Some(EndReason::ClosedHere)));
    let reading = tokio::spawn(async move {
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).await.unwrap();
        bytes
    });
    assert!(peer.finish_within(GRACE).await);
    assert!(eventually(reading).await.unwrap().len() > 1000);
}

/// A header that never comes; without a timeout of the server's, it would be waited for.
#[tokio::test(start_paused = true)]
async fn a_silent_proxy_is_closed() {
    let server = Amp::new().listen("haproxy:memory:silent-proxy").await;
    let server = server.unwrap();
    let peer = connect(&server).await;
    let begin = Instant::now();
    assert!(matches!(peer.closed().await, EndReason::ClosedByPeer));
    assert_eq!(begin.elapsed().as_secs(), 10);
    assert_eq!(server.connections().count(), 0);
}

#[cfg(feature = "temporary-certificate")]
#[tokio::test(start_paused = true)]
async fn a_silent_handshake_is_closed() {
    use amp_rpc::{Identity, Tls};

    let tls = Tls::new().identity(Identity::temporary().unwrap());
    let endpoint = ListenEndpoint::memory("silent-tls").tls(tls);
    let server = Amp::new().listen_on(&endpoint).await.unwrap();
    let peer = connect(&server).await;
    let begin = Instant::now();
    assert!(matches!(peer.closed().await, EndReason::ClosedByPeer));
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert_eq!(server.connections().count(), 0);
}

#[cfg(feature = "temporary-certificate")]
#[tokio::test]
async fn a_handshake_needs_time() {
    use amp_rpc::{Identity, Tls};

    let tls = Tls::new().identity(Identity::temporary().unwrap());
    let tls = tls.handshake_timeout(Duration::ZERO);
    let endpoint = ListenEndpoint::memory("no-time").tls(tls);
    let error = Amp::new().listen_on(&endpoint).await.unwrap_err();
    let text = error.source().unwrap().to_string();
    assert!(
        text.starts_with("Tls::handshake_timeout: with 0,"),
        "{text}"
    );
}

async fn refusal(amp: Amp) -> String {
    let endpoint = ListenEndpoint::memory("never");
    let error = amp.listen_on(&endpoint).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on memory:never");
    let text = error.source().unwrap().to_string();
    let error = amp.listen_for_boxes("memory:never", || Ignoring).await;
    assert_eq!(error.unwrap_err().source().unwrap().to_string(), text);
    text
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let text = refusal(Amp::new().max_connections(0)).await;
    assert!(text.starts_with("Amp::max_connections: with 0,"), "{text}");
    let text = refusal(Amp::new().max_age(Duration::ZERO)).await;
    assert!(text.starts_with("Amp::max_age: with 0,"), "{text}");
    let text = refusal(Amp::new().age_grace(GRACE)).await;
    assert!(text.starts_with("Amp::age_grace:"), "{text}");
    let endpoint = ListenEndpoint::haproxy(ListenEndpoint::memory("never"));
    let endpoint = endpoint.header_timeout(Duration::ZERO);
    let error = Amp::new().listen_on(&endpoint).await.unwrap_err();
    let text = error.source().unwrap().to_string();
    assert!(text.starts_with("ListenEndpoint::header_timeout: with 0,"));
    let error = Amp::new().listen("haproxy:memory:a:headerTimeout=0").await;
    let text = error.unwrap_err().source().unwrap().to_string();
    assert!(text.contains("more than 0"), "{text}");
    let amp = Amp::new().max_age(AGE).age_grace(Duration::ZERO);
    amp.listen("memory:meant").await.unwrap();
}
