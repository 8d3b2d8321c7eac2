//! Switching the protocol of a connection.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use amp_rpc::{
    Amp, AmpBox, Answer, CallError, CloseReason, Command, CommandError, Compat, EndReason, Fields,
    Peer, Responders, SwitchedStream,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::{Notify, oneshot};

#[derive(Debug, Command)]
#[amp(switches, response = Welcome, error = SwitchError)]
struct Switch {
    name: String,
}

#[derive(Debug, PartialEq, Fields)]
struct Welcome {
    version: i32,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum SwitchError {
    #[error("no such protocol")]
    #[amp(code = "NO_SUCH_PROTOCOL")]
    NoSuchProtocol,
}

#[derive(Debug, Command)]
#[amp(response = Number)]
struct Echo {
    n: i32,
}

#[derive(Debug, PartialEq, Fields)]
struct Number {
    n: i32,
}

#[derive(Debug, Command)]
struct Hang {}

async fn shout(stream: SwitchedStream) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
        if stream
            .write_all(line.to_uppercase().as_bytes())
            .await
            .is_err()
        {
            return;
        }
        line.clear();
    }
}

async fn switch(command: Switch, peer: Peer) -> Answer<Switch> {
    peer.on_switch(shout);
    match command.name.as_str() {
        "shout" => Ok(Welcome { version: 1 }),
        _ => Err(SwitchError::NoSuchProtocol.into()),
    }
}

async fn echo(command: Echo) -> Answer<Echo> {
    Ok(Number { n: command.n })
}

async fn hang(_: Hang) -> Answer<Hang> {
    pending().await
}

fn shouting() -> Amp {
    let responders = Responders::new().on_with_peer(switch).on(echo).on(hang);
    Amp::new().locator(responders)
}

fn to(name: &str) -> Switch {
    Switch { name: name.into() }
}

fn ask(tag: &str, command: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_ask", tag), ("_command", command)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

fn answer(tag: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_answer", tag)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

/// Reads one box.
async fn read_box(stream: &mut DuplexStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await.unwrap());
        let mut boxes = amp_rpc::wire::parse(&bytes);
        if let Some(Ok(parsed)) = boxes.next() {
            return parsed.to_owned();
        }
    }
}

#[tokio::test]
async fn both_sides_get_the_stream() {
    for size in [1, 7, 4096] {
        let (left, right) = duplex(size);
        let server = shouting().over(left);
        let client = Amp::new().over(right);
        let (welcome, mut stream) = client.switch(to("shout")).await.unwrap();
        assert_eq!(welcome, Welcome { version: 1 });
        stream.write_all(b"hello\n").await.unwrap();
        let mut line = [0; 6];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"HELLO\n");
        for peer in [&client, &server] {
            assert!(matches!(peer.closed().await, EndReason::Switched));
        }
        let late = client.call(Echo { n: 1 }).await;
        assert!(matches!(late, Err(CallError::Ended(EndReason::Switched))));
        drop((client, server));
        stream.write_all(b"still there\n").await.unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"STILL THERE\n");
    }
}

#[tokio::test]
async fn what_comes_in_the_same_read_belongs_to_the_other_protocol() {
    let (left, mut raw) = duplex(4096);
    let _server = shouting().over(left);
    let mut bytes = ask("1", "Switch", &[("name", "shout")]);
    bytes.extend_from_slice(b"hello\n");
    raw.write_all(&bytes).await.unwrap();
    assert_eq!(read_box(&mut raw).await.get(b"_answer").unwrap(), b"1");
    let mut line = [0; 6];
    raw.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"HELLO\n");

    let (left, mut raw) = duplex(4096);
    let client = Amp::new().over(left);
    let switching = tokio::spawn(client.switch(to("shout")).owned());
    let tag = read_box(&mut raw).await.get(b"_ask").unwrap().to_vec();
    let mut bytes = answer(std::str::from_utf8(&tag).unwrap(), &[("version", "2")]);
    bytes.extend_from_slice(b"welcome\n");
    raw.write_all(&bytes).await.unwrap();
    let (welcome, mut stream) = switching.await.unwrap().unwrap();
    assert_eq!(welcome.version, 2);
    let mut line = [0; 8];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"welcome\n");
    drop(raw);
    assert_eq!(stream.read(&mut line).await.unwrap(), 0);
}

#[tokio::test]
async fn after_a_refusal_the_connection_goes_on() {
    let (left, right) = duplex(64);
    let _server = shouting().over(left);
    let client = Amp::new().over(right);
    let refused = client.switch(to("whisper")).start();
    let waiting = client.call(Echo { n: 3 }).start();
    let error = refused.await.unwrap_err();
    assert!(matches!(
        error,
        CallError::Declared {
            error: SwitchError::NoSuchProtocol,
            ..
        }
    ));
    assert_eq!(waiting.await.unwrap(), Number { n: 3 });
    let (_, mut stream) = client.switch(to("shout")).await.unwrap();
    stream.write_all(b"x\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'X');
}

#[tokio::test]
async fn between_the_ask_and_its_answer_nothing_is_written() {
    let (left, mut raw) = duplex(4096);
    let client = shouting().over(left);
    let switching = client.switch(to("shout")).start();
    let waiting = tokio::spawn(client.call(Echo { n: 1 }).start().owned());
    let asked = read_box(&mut raw).await;
    assert_eq!(asked.get(b"_command").unwrap(), b"Switch");
    raw.write_all(&ask("77", "Echo", &[("n", "5")]))
        .await
        .unwrap();
    let tag = std::str::from_utf8(asked.get(b"_ask").unwrap()).unwrap();
    let refusal = [
        ("_error", tag),
        ("_error_code", "NO_SUCH_PROTOCOL"),
        ("_error_description", "no"),
    ];
    let refusal = refusal.into_iter().collect::<AmpBox>().to_bytes().unwrap();
    // On this thread everybody else runs until there is nothing left to do.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut early = [0; 1];
    let early = futures::poll!(std::pin::pin!(raw.read(&mut early)));
    assert!(early.is_pending(), "something was written behind the ask");
    raw.write_all(&refusal).await.unwrap();
    assert!(switching.await.is_err());
    let first = read_box(&mut raw).await;
    assert_eq!(first.get(b"_answer").unwrap(), b"77");
    let second = read_box(&mut raw).await;
    assert_eq!(second.get(b"_command").unwrap(), b"Echo");
    drop(waiting);
}

#[tokio::test]
async fn calls_under_way_end_with_the_switch() {
    let (left, right) = duplex(4096);
    let _server = shouting().over(left);
    let client = Amp::new().over(right);
    let under_way = client.call(Hang {}).start();
    let (_, stream) = client.switch(to("shout")).await.unwrap();
    let error = under_way.await.unwrap_err();
    assert!(matches!(error, CallError::Ended(EndReason::Switched)));
    drop(stream);
}

#[tokio::test]
async fn as_in_twisted_calls_under_way_end_with_the_stream() {
    let (left, right) = duplex(4096);
    let _server = shouting().over(left);
    let client = Amp::new().compat(Compat::twisted()).over(right);
    let mut under_way = client.call(Hang {}).start();
    let (_, mut stream) = client.switch(to("shout")).await.unwrap();
    stream.write_all(b"x\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'X');
    assert!(futures::poll!(&mut under_way).is_pending());
    drop(stream);
    let error = under_way.await.unwrap_err();
    assert!(matches!(error, CallError::Ended(EndReason::Switched)));
}

#[tokio::test]
async fn without_a_taker_nothing_is_sent() {
    let (left, right) = duplex(4096);
    let _server = shouting().over(left);
    let client = Amp::new().over(right);
    let error = client.call(to("shout")).await.unwrap_err();
    assert!(error.to_string().contains("Peer::switch"), "{error}");
    assert_eq!(client.call(Echo { n: 1 }).await.unwrap(), Number { n: 1 });
}

#[tokio::test]
async fn a_grant_without_a_taker_is_a_fault_of_the_responder() {
    async fn forgetful(_: Switch) -> Answer<Switch> {
        Ok(Welcome { version: 1 })
    }
    let (left, right) = duplex(4096);
    let _server = Amp::new()
        .locator(Responders::new().on(forgetful).on(echo))
        .over(left);
    let client = Amp::new().over(right);
    let error = client.switch(to("shout")).await.unwrap_err();
    let CallError::Remote(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.code, b"UNKNOWN");
    assert_eq!(client.call(Echo { n: 1 }).await.unwrap(), Number { n: 1 });
}

#[tokio::test]
async fn a_refusal_drops_what_would_have_gone_on() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dropped);
    let refuse = move |_: Switch, peer: Peer| {
        let guard = Dropped(Arc::clone(&seen));
        peer.on_switch(async move |_| drop(guard));
        async { Err::<Welcome, _>(SwitchError::NoSuchProtocol.into()) }
    };
    let (left, right) = duplex(4096);
    let _server = Amp::new()
        .locator(Responders::new().on_with_peer(refuse))
        .over(left);
    let client = Amp::new().over(right);
    assert!(client.switch(to("shout")).await.is_err());
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_stream_that_nobody_wants_any_more_is_closed() {
    let (left, mut raw) = duplex(4096);
    let client = Amp::new().over(left);
    let switching = client.switch(to("shout")).start();
    let asked = read_box(&mut raw).await;
    drop(switching);
    let tag = std::str::from_utf8(asked.get(b"_ask").unwrap()).unwrap();
    raw.write_all(&answer(tag, &[("version", "1")]))
        .await
        .unwrap();
    assert_eq!(raw.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(matches!(client.closed().await, EndReason::Switched));
}

#[tokio::test]
async fn two_asks_to_switch_that_cross_are_both_refused() {
    let (left, right) = duplex(4096);
    let (one, other) = (shouting().over(left), shouting().over(right));
    let (first, second) = (
        one.switch(to("shout")).start(),
        other.switch(to("shout")).start(),
    );
    for result in [first.await, second.await] {
        let CallError::Remote(error) = result.unwrap_err() else {
            panic!("it was not refused by the connection");
        };
        assert_eq!(error.code, b"BUSY");
    }
    assert_eq!(one.call(Echo { n: 4 }).await.unwrap(), Number { n: 4 });
    assert_eq!(other.call(Echo { n: 5 }).await.unwrap(), Number { n: 5 });
}

#[tokio::test]
async fn a_peer_that_only_asks_instead_of_deciding_is_given_up() {
    let (left, mut raw) = duplex(64 * 1024);
    let client = shouting().max_queued(1024).over(left);
    let _switching = client.switch(to("shout")).start();
    let asked = ask("1", "Echo", &[("n", "5")]);
    let flood = async move { while raw.write_all(&asked).await.is_ok() {} };
    let (ended, ()) = tokio::join!(client.closed(), flood);
    let EndReason::Ended(reason) = ended else {
        panic!("{ended}");
    };
    assert_eq!(*reason, CloseReason::TooMuchHeld);
}

#[tokio::test]
async fn a_peer_that_is_dropped_behind_its_grant_still_switches() {
    let (left, mut raw) = duplex(4096);
    let (done, is_done) = oneshot::channel();
    let done = std::sync::Mutex::new(Some(done));
    let grant = move |_: Switch, peer: Peer| {
        let done = done.lock().unwrap().take().unwrap();
        peer.on_switch(async move |_| done.send(()).unwrap());
        async { Ok(Welcome { version: 1 }) }
    };
    let server = Amp::new()
        .locator(Responders::new().on_with_peer(grant))
        .over(left);
    raw.write_all(&ask("1", "Switch", &[("name", "shout")]))
        .await
        .unwrap();
    read_box(&mut raw).await;
    drop(server);
    is_done.await.unwrap();
}

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("waited for ever")
}

#[tokio::test]
async fn a_side_that_finishes_keeps_the_promise_of_its_grant() {
    let decide = Arc::new(Notify::new());
    let decided = Arc::clone(&decide);
    let slow = move |_: Switch, peer: Peer| {
        peer.on_switch(shout);
        let decided = Arc::clone(&decided);
        async move {
            decided.notified().await;
            Ok(Welcome { version: 1 })
        }
    };
    let (left, mut raw) = duplex(4096);
    let server = Amp::new()
        .locator(Responders::new().on_with_peer(slow).on(echo))
        .over(left);
    let bytes = [
        ask("1", "Echo", &[("n", "1")]),
        ask("2", "Switch", &[("name", "shout")]),
    ];
    raw.write_all(&bytes.concat()).await.unwrap();
    read_box(&mut raw).await;
    server.finish();
    decide.notify_one();
    assert_eq!(read_box(&mut raw).await.get(b"_answer").unwrap(), b"2");
    assert!(matches!(soon(server.closed()).await, EndReason::Switched));
    raw.write_all(b"x\n").await.unwrap();
    assert_eq!(soon(raw.read_u8()).await.unwrap(), b'X');
}

/// What would have gone on may hold the last handle, which closes the connection when it is dropped.
#[test]
fn what_would_have_gone_on_may_hold_the_last_handle() {
    let (done, is_done) = std::sync::mpsc::channel();
    // On a thread of its own: a lock that is taken twice would hold the test up for ever.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let keeps = |_: Echo, peer: Peer| {
                peer.clone().on_switch(async move |_| drop(peer));
                async { Ok(Number { n: 0 }) }
            };
            let (left, mut raw) = duplex(4096);
            let server = Amp::new()
                .locator(Responders::new().on_with_peer(keeps))
                .over(left);
            raw.write_all(&ask("1", "Echo", &[("n", "1")]))
                .await
                .unwrap();
            read_box(&mut raw).await;
            drop((server, raw));
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
        done.send(()).unwrap();
    });
    is_done
        .recv_timeout(Duration::from_secs(20))
        .expect("the connection waits for its own lock");
}

#[tokio::test]
async fn what_comes_too_late_to_go_on_is_dropped() {
    let kept = Arc::new(());
    let (left, right) = duplex(4096);
    let server = shouting().over(left);
    drop(right);
    soon(server.closed()).await;
    let held = Arc::clone(&kept);
    server.on_switch(async move |_| drop(held));
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[tokio::test]
async fn a_panic_of_what_goes_on_leaves_nobody_waiting() {
    async fn nothing() {}
    let panics = |_: Switch, peer: Peer| {
        peer.on_switch(|_| {
            panic!("what goes on cannot begin");
            #[expect(unreachable_code, reason = "says what it would return")]
            nothing()
        });
        async { Ok(Welcome { version: 1 }) }
    };
    let (left, mut raw) = duplex(4096);
    let server = Amp::new()
        .locator(Responders::new().on_with_peer(panics))
        .over(left);
    let under_way = tokio::spawn(server.call(Hang {}).start().owned());
    read_box(&mut raw).await;
    raw.write_all(&ask("1", "Switch", &[("name", "shout")]))
        .await
        .unwrap();
    read_box(&mut raw).await;
    let error = soon(under_way).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Ended(EndReason::Switched)));
}

#[tokio::test]
async fn an_ask_that_wants_no_answer_leaves_nothing_to_go_on() {
    let kept = Arc::new(());
    let held = Arc::clone(&kept);
    let grant = move |_: Switch, peer: Peer| {
        let held = Arc::clone(&held);
        peer.on_switch(async move |_| drop(held));
        async { Ok(Welcome { version: 1 }) }
    };
    let (left, mut raw) = duplex(4096);
    let _here = Amp::new()
        .locator(Responders::new().on_with_peer(grant).on(echo))
        .over(left);
    let tell = [("_command", "Switch"), ("name", "shout")];
    let tell = tell.into_iter().collect::<AmpBox>().to_bytes().unwrap();
    let bytes = [tell, ask("1", "Echo", &[("n", "1")])];
    raw.write_all(&bytes.concat()).await.unwrap();
    read_box(&mut raw).await;
    // The test's and the responder's.
    assert_eq!(Arc::strong_count(&kept), 2);
}

/// The closure of a refused ask must not get the stream that a later one leads to.
#[tokio::test]
async fn a_refusal_of_a_crossing_ask_drops_what_would_have_gone_on() {
    let kept = Arc::new(());
    let held = Arc::clone(&kept);
    let grant = move |_: Switch, peer: Peer| {
        let held = Arc::clone(&held);
        peer.on_switch(async move |_| drop(held));
        async { Ok(Welcome { version: 1 }) }
    };
    let (left, mut raw) = duplex(4096);
    let here = Amp::new()
        .locator(Responders::new().on_with_peer(grant))
        .over(left);
    let _switching = here.switch(to("shout")).start();
    read_box(&mut raw).await;
    raw.write_all(&ask("1", "Switch", &[("name", "shout")]))
        .await
        .unwrap();
    let refusal = read_box(&mut raw).await;
    assert_eq!(refusal.get(b"_error_code").unwrap(), b"BUSY");
    // The test's and the responder's.
    assert_eq!(Arc::strong_count(&kept), 2);
}
