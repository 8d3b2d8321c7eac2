//! What the crate `tracing` sees, in a process of its own.
#![cfg(feature = "tracing")]

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use amp_rpc::{Amp, AmpBox, Answer, CallError, Command, EndReason, Failure, Peer, Responders};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Spans as they begin, and events with the spans around them.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static OPEN: Mutex<Vec<(u64, &str)>> = Mutex::new(Vec::new());
static NAMES: Mutex<Vec<&str>> = Mutex::new(Vec::new());
/// Whose connection is looked at whenever something is told.
static WATCHED: Mutex<Option<Peer>> = Mutex::new(None);

#[derive(Command)]
struct Ping {}

struct Keeper;

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("amp_rpc") || metadata.target().starts_with("spans")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut line = Line::default();
        span.record(&mut line);
        let metadata = span.metadata();
        let kept = format!("{} {}{}", metadata.level(), metadata.name(), line.0);
        LINES.lock().unwrap().push(kept);
        NAMES.lock().unwrap().push(metadata.name());
        Id::from_u64(NEXT.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // A subscriber may do anything.
        if let Some(peer) = WATCHED.lock().unwrap().as_ref() {
            let _ = peer.stats();
        }
        let mut line = Line::default();
        event.record(&mut line);
        let open: Vec<_> = OPEN.lock().unwrap().iter().map(|(_, name)| *name).collect();
        let kept = format!("{} in {open:?}:{}", event.metadata().level(), line.0);
        LINES.lock().unwrap().push(kept);
    }

    fn enter(&self, span: &Id) {
        let number = span.into_u64();
        let name = NAMES.lock().unwrap()[number as usize - 1];
        OPEN.lock().unwrap().push((number, name));
    }

    fn exit(&self, span: &Id) {
        let mut open = OPEN.lock().unwrap();
        let last = open
            .iter()
            .rposition(|(number, _)| *number == span.into_u64());
        open.remove(last.unwrap());
    }
}

fn lines() -> Vec<String> {
    std::mem::take(&mut LINES.lock().unwrap())
}

#[tokio::test]
async fn connections_calls_and_asks_are_spans_without_values() {
    tracing::subscriber::set_global_default(Keeper).unwrap();
    let server = Amp::new().number_faults().locator(
        Responders::new()
            .on_box("Echo", async |message: AmpBox, _: Peer| {
                tracing::info!("at work");
                Ok(message)
            })
            .on_box("Fault", async |_: AmpBox, _: Peer| {
                tokio::task::yield_now().await;
                Err(Failure::unexpected("the reason"))
            }),
    );
    let (one, other) = tokio::io::duplex(1 << 16);
    let (_server, client) = (server.over(one), Amp::new().over(other));
    let secret = AmpBox::from([("key", "secret")]);
    client.call_box("Echo", secret).await.unwrap();
    let error = client.call_box("Fault", AmpBox::new()).await.unwrap_err();
    let lines = lines();
    for span in [
        "DEBUG connection",
        "DEBUG call command=\"Echo\"",
        "DEBUG ask command=\"Echo\"",
    ] {
        assert!(lines.iter().any(|line| line == span), "{span}: {lines:#?}");
    }
    let at_work = lines.iter().find(|line| line.contains("at work")).unwrap();
    assert_eq!(
        at_work,
        "INFO in [\"connection\", \"ask\"]: message=at work"
    );
    let fault = lines
        .iter()
        .find(|line| line.contains("the reason"))
        .unwrap();
    assert!(fault.starts_with("ERROR in [\"connection\""), "{fault}");
    // The number that the peer knows leads to the line.
    let number = error.to_string();
    let source = std::error::Error::source(&error).unwrap().to_string();
    let number = source.split("(fault ").nth(1).unwrap_or(&number);
    let number = number.split(')').next().unwrap();
    assert!(
        fault.contains(&format!("fault={number} ")),
        "{fault} {number}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("secret")),
        "{lines:#?}"
    );
    // Whatever a user sees without asking for more is about what goes wrong.
    let loud = lines
        .iter()
        .filter(|line| !line.starts_with("DEBUG") && !line.contains("at work"));
    assert_eq!(loud.count(), 1);

    // Each ask has one span, whichever way it is read, and in however many pieces.
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let _peer = Amp::new()
        .locator(Responders::new().on(async |_: Ping| Answer::<Ping>::Ok(())))
        .over(far);
    let usual = b"\0\x04_ask\0\x011\0\x08_command\0\x04Ping\0\0";
    let other = b"\0\x04_ask\0\x011\0\x08_command\0\x04Ping\0\x01x\0\0\0\0";
    let (first, rest) = usual.split_at(20);
    let writes: [&[u8]; 5] = [usual, &[&usual[..], other].concat(), other, first, rest];
    let mut answer = [0; 14];
    for bytes in writes {
        near.write_all(bytes).await.unwrap();
        tokio::task::yield_now().await;
    }
    for _ in 0..5 {
        near.read_exact(&mut answer).await.unwrap();
    }
    let lines = self::lines();
    let asks = lines.iter().filter(|line| line.contains("DEBUG ask"));
    assert_eq!(asks.count(), 5, "{lines:#?}");

    faults_name_their_command_and_their_causes().await;
    #[cfg(feature = "temporary-certificate")]
    a_server_tells_why_tls_does_not_begin().await;
}

/// Fails as a call to somebody else may, at once or later.
async fn fail(waits: bool) -> Answer<Ping> {
    if waits {
        tokio::task::yield_now().await;
    }
    let cause = std::io::Error::other("the cause");
    let lost = EndReason::from(std::io::Error::other(cause));
    Err(Failure::unexpected(lost))
}

async fn faults_name_their_command_and_their_causes() {
    for waits in [false, true] {
        let responders = Responders::new().on(move |_: Ping| fail(waits));
        let (one, other) = tokio::io::duplex(1 << 16);
        let _server = Amp::new().locator(responders).over(one);
        let client = Amp::new().over(other);
        let error = client.call(Ping {}).await.unwrap_err();
        let CallError::Remote(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.description, "Unknown Error");
        let lines = lines();
        let fault = lines.iter().find(|line| line.contains("failed"));
        let fault = fault.unwrap_or_else(|| panic!("{lines:#?}"));
        for part in [" command=\"Ping\" ", "the connection was lost: the cause"] {
            assert!(fault.contains(part), "{part}: {fault}");
        }
    }
}

/// The other side of it learns little.
#[cfg(feature = "temporary-certificate")]
async fn a_server_tells_why_tls_does_not_begin() {
    use amp_rpc::{Identity, Tls};

    let tls = Tls::new().identity(Identity::temporary().unwrap());
    for amp in [Amp::new(), Amp::new().tls(tls)] {
        let amp = amp.locator_for_each(|peer| {
            *WATCHED.lock().unwrap() = Some(peer.clone());
            Responders::new()
        });
        let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
        let endpoint = server.endpoint().to_string();
        tokio::spawn(server.run());
        let address = endpoint.strip_prefix("tcp:").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"\0\x04_ask\0\x011\0\x08_command\0\x08StartTLS\0\0")
            .await
            .unwrap();
        let mut first = [0; 4];
        stream.read_exact(&mut first).await.unwrap();
        if first == *b"\0\x06_e" {
            let lines = lines();
            let refused = lines.iter().any(|line| line.contains("no Amp::tls"));
            assert!(refused, "{lines:#?}");
            continue;
        }
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        let lines = lines();
        let failed = lines.iter().find(|line| line.contains("TLS cannot begin"));
        let failed = failed.unwrap_or_else(|| panic!("{lines:#?}"));
        assert!(failed.starts_with("WARN"), "{failed}");
        assert!(failed.contains("HTTP"), "{failed}");
    }
}
