//! Peers that mean harm: what they cost is bounded, and nobody else notices. Over real sockets, with the memory of the
//! whole process measured, so one after the other.

use std::time::Duration;

use amp_rpc::wire::{Limits, parse};
use amp_rpc::{
    Amp, AmpBox, Answer, CloseReason, Command, EndReason, Failure, Peer, Responders, Server,
};
use peak_alloc::PeakAlloc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// One test at a time: what is measured belongs to the process.
static TURN: Mutex<()> = Mutex::const_new(());

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The bounds of the server here.
const BOX: usize = 256 * KIB;
const QUEUED: usize = 64 * KIB;

#[derive(Command)]
struct Lists {
    lists: Vec<Vec<Vec<u8>>>,
}

/// A server, and what was allocated before there was anybody hostile.
struct Stage {
    server: Server,
    port: u16,
    good: Peer,
    before: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    async fn new(amp: Amp) -> Self {
        let turn = TURN.lock().await;
        let wait = async |_: AmpBox, _: Peer| std::future::pending().await;
        let echo = async |message: AmpBox, _: Peer| Result::<_, Failure>::Ok(message);
        let large = async |_: AmpBox, _: Peer| Ok(AmpBox::from([("x", "x".repeat(60_000))]));
        let responders = Responders::new()
            .on_box("Echo", echo)
            .on_box("Wait", wait)
            .on_box("Large", large)
            .on(async |_: Lists| -> Answer<Lists> { Ok(()) });
        let amp = amp
            .limits(Limits::DEFAULT.box_bytes(BOX))
            .max_queued(QUEUED)
            .max_running(100)
            .drop_responders_at_end()
            .locator(responders);
        let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
        let endpoint = server.endpoint().to_string();
        let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
        let good = Amp::new().connect(&endpoint).await.unwrap();
        good.call_box("Echo", AmpBox::new()).await.unwrap();
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        Self {
            server,
            port,
            good,
            before,
            _turn: turn,
        }
    }

    async fn hostile(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Somebody else uses the server meanwhile.
    async fn use_it(&self) {
        for n in 0..500 {
            let message = AmpBox::from([("n", n.to_string())]);
            let call = self.good.call_box("Echo", message.clone());
            let answer = call.timeout(Duration::from_secs(60)).await.unwrap();
            assert_eq!(answer.get("n"), message.get("n"));
        }
    }

    /// The most that was allocated beyond what was there before.
    #[track_caller]
    fn check_memory(&self, bound: usize) {
        let peak = ALLOCATED.peak_usage().saturating_sub(self.before);
        assert!(
            peak <= bound,
            "{peak} bytes, and {bound} were expected at most"
        );
    }

    /// The other side of the only connection that is not the good one's.
    fn victim(&self) -> Peer {
        let local = self.good.addresses().local.clone();
        let mut others =
            (self.server.peers().into_iter()).filter(|peer| peer.addresses().remote != local);
        others.next().unwrap()
    }
}

fn bytes<const N: usize>(pairs: [(&str, &str); N]) -> Vec<u8> {
    AmpBox::from(pairs).to_bytes().unwrap()
}

async fn read_box(stream: &mut TcpStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        if let Some(Ok(view)) = parse(&bytes).next() {
            return view.to_owned();
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
}

/// Repeats a message; the copies are written many at a time.
async fn send_many(stream: &mut TcpStream, message: &[u8], count: usize) -> std::io::Result<()> {
    let batch = message.repeat(1_000);
    for _ in 0..count / 1_000 {
        stream.write_all(&batch).await?;
    }
    Ok(())
}

/// What a connection may cost that only asks: what is queued, one more answer and what it grew by, one
/// read with its box, and the responders that wait.
const ASKING: usize = 4 * (QUEUED + BOX) + 2 * MIB;

#[tokio::test]
async fn a_million_asks_that_nobody_reads_the_answers_of() {
    for command in ["Echo", "Large", "Wait"] {
        let stage = Stage::new(Amp::new()).await;
        let mut hostile = stage.hostile().await;
        let ask = bytes([("_ask", "1"), ("_command", command)]);
        let flood = tokio::spawn(async move {
            let _ = send_many(&mut hostile, &ask, 1_000_000).await;
        });
        stage.use_it().await;
        stage.check_memory(ASKING);
        // It is made to wait, so it cannot be done.
        assert!(!flood.is_finished(), "{command}");
        flood.abort();
    }
}

#[tokio::test]
async fn a_million_tells_are_carried_out_and_cost_nothing() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    let flood = async {
        let tell = bytes([("_command", "Nothing")]);
        send_many(&mut hostile, &tell, 1_000_000).await.unwrap();
        let last = bytes([("_ask", "last"), ("_command", "Echo")]);
        hostile.write_all(&last).await.unwrap();
        let answer = read_box(&mut hostile).await;
        assert_eq!(answer.get("_answer").unwrap(), b"last");
    };
    tokio::join!(flood, stage.use_it());
    stage.check_memory(ASKING);
    assert_eq!(stage.victim().stats().asks_unhandled, 1_000_000);
}

#[tokio::test]
async fn a_million_answers_to_nothing() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    let flood = async {
        for message in [bytes([("_answer", "5")]), bytes([("_error", "zz")])] {
            send_many(&mut hostile, &message, 500_000).await.unwrap();
        }
        let last = bytes([("_ask", "last"), ("_command", "Echo")]);
        hostile.write_all(&last).await.unwrap();
        let answer = read_box(&mut hostile).await;
        assert_eq!(answer.get("_answer").unwrap(), b"last");
    };
    tokio::join!(flood, stage.use_it());
    stage.check_memory(ASKING);
    assert_eq!(stage.victim().stats().unknown_answers, 1_000_000);
}

#[tokio::test]
async fn a_flood_of_what_is_for_the_connection_itself() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    let waiting = bytes([("_ask", "0"), ("_command", "Wait")]);
    hostile.write_all(&waiting.repeat(50)).await.unwrap();
    let (mut reading, mut writing) = hostile.into_split();
    let flood = async {
        for message in [
            bytes([("_command", "_amp-rpc.cancel"), ("tag", "nobody's")]),
            bytes([("_command", "_amp-rpc.cancel")]),
            bytes([("_command", "_amp-rpc")]),
            bytes([("_command", "Echo"), ("_deadline", "soon")]),
            bytes([("_command", "Echo"), ("_deadline", "1")]),
        ] {
            writing.write_all(&message.repeat(20_000)).await.unwrap();
        }
        let last = bytes([("_ask", "last"), ("_command", "Echo")]);
        writing.write_all(&last).await.unwrap();
        let mut answers = Vec::new();
        while !answers.ends_with(b"last\0\0") {
            assert_ne!(reading.read_buf(&mut answers).await.unwrap(), 0);
        }
    };
    tokio::join!(flood, stage.use_it());
    assert_eq!(stage.victim().stats().bad_metadata, 20_000);
    stage.check_memory(ASKING + 4 * MIB);
}

#[tokio::test]
async fn a_box_without_an_end() {
    for pair in [
        &b"\0\x01k\0\x01v"[..],
        &[&b"\0\x01k\xff\xff"[..], &[0; 65_535]].concat(),
    ] {
        let stage = Stage::new(Amp::new()).await;
        let mut hostile = stage.hostile().await;
        hostile
            .write_all(&bytes([("_ask", "1"), ("_command", "Wait")]))
            .await
            .unwrap();
        let flood = async {
            // It is cut off: the rest cannot be written.
            let mut written = Ok(());
            while written.is_ok() {
                written = hostile.write_all(pair).await;
            }
        };
        tokio::join!(flood, stage.use_it());
        stage.check_memory(ASKING);
        assert_eq!(stage.server.peers().len(), 1);
    }
}

/// A value has at most 65,535 bytes, whatever it claims to hold.
#[tokio::test]
async fn lists_of_lists_of_nothing() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    let mut ask = b"\0\x04_ask\0\x011\0\x08_command\0\x05Lists\0\x05lists\xff\xfe".to_vec();
    // 32,767 empty lists.
    ask.resize(ask.len() + 65_534, 0);
    ask.extend_from_slice(&[0, 0]);
    let flood = async {
        for _ in 0..200 {
            hostile.write_all(&ask).await.unwrap();
            assert!(read_box(&mut hostile).await.contains_key("_answer"));
        }
    };
    tokio::join!(flood, stage.use_it());
    // An empty list takes two bytes on the wire and 24 here.
    stage.check_memory(ASKING + 4 * 32_767 * size_of::<Vec<Vec<u8>>>());
}

#[tokio::test]
async fn a_peer_that_never_reads_is_called() {
    let stage = Stage::new(Amp::new()).await;
    let hostile = stage.hostile().await;
    stage.use_it().await;
    let victim = stage.victim();
    let message = AmpBox::from([("x", "x".repeat(1_000))]);
    let sender = victim.clone();
    let flood =
        tokio::spawn(
            async move { while sender.tell_box("Tell", message.clone()).await.is_ok() {} },
        );
    stage.use_it().await;
    stage.check_memory(ASKING);
    victim.close();
    flood.await.unwrap();
    assert!(matches!(victim.ended().await, EndReason::ClosedHere));
    drop(hostile);
}

/// Who owes an answer may not ask without end and read nothing.
#[tokio::test]
async fn a_flood_of_asks_from_a_peer_that_owes_an_answer() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    stage.use_it().await;
    let victim = stage.victim();
    let call = victim.call_box("Never", AmpBox::new()).start();
    let ask = bytes([("_ask", "1"), ("_command", "Wait")]);
    let flood = tokio::spawn(async move {
        let _ = send_many(&mut hostile, &ask, 1_000_000).await;
        hostile
    });
    let (ended, ()) = tokio::join!(victim.ended(), stage.use_it());
    let EndReason::Ended(reason) = ended else {
        panic!("{ended}");
    };
    assert_eq!(*reason, CloseReason::NotReading);
    assert!(call.await.is_err());
    // Refusals up to 8 MiB, in a buffer that doubles as it grows.
    stage.check_memory(ASKING + 24 * MIB);
    flood.abort();
}
