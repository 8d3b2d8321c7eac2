//! Peers that mean harm: what they cost is bounded, and nobody else notices. Over real sockets, with the memory of the
//! whole process measured, so one after the other.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc::wire::{Limits, parse};
use amp_rpc::{
    Amp, AmpBox, Answer, CloseReason, Command, EndReason, Failure, Fields, Peer, Responders, Server,
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

/// How much the server may read from others while a small call is made, by which its latency shows where the clock of
/// a busy machine cannot tell: each way takes a look of tokio's at the sockets, which comes after 61 turns of tasks, and a
/// driver reads less than 512 KiB in one.
const DURING_A_CALL: u64 = 2 * 61 * 512 * 1024;

#[derive(Command)]
struct Lists {
    lists: Vec<Vec<Vec<u8>>>,
}

#[derive(Fields)]
struct Row {
    cells: Option<Vec<Vec<i64>>>,
}

#[derive(Command)]
struct Rows {
    rows: Vec<Row>,
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
            .on(async |_: Lists| -> Answer<Lists> { Ok(()) })
            .on(async |rows: Rows| -> Answer<Rows> {
                assert!(rows.rows.iter().all(|row| row.cells.is_none()));
                Ok(())
            });
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

    /// Somebody else uses the server meanwhile, and waits no longer than a few turns of the hostile connection.
    async fn use_it(&self) {
        for n in 0..500 {
            let message = AmpBox::from([("n", n.to_string())]);
            let before = self.received();
            let call = self.good.call_box("Echo", message.clone());
            let answer = call.timeout(Duration::from_secs(60)).await.unwrap();
            assert_eq!(answer.get("n"), message.get("n"));
            let meanwhile = self.received().saturating_sub(before);
            assert!(meanwhile <= DURING_A_CALL, "{meanwhile} bytes came first");
        }
    }

    /// How many bytes came on all connections.
    fn received(&self) -> u64 {
        let peers = self.server.peers();
        peers.iter().map(|peer| peer.stats().bytes_received).sum()
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

/// Boxes of many pairs, one behind the other, from threads of their own, so that there is always one to read.
#[tokio::test]
async fn large_boxes_hold_no_small_ones_up_on_other_connections() {
    let stage = Stage::new(Amp::new()).await;
    let mut large = b"\0\x08_command\0\x04Echo".to_vec();
    for key in b"abc" {
        large.extend_from_slice(&[0, 1, *key, 0xff, 0xff]);
        large.resize(large.len() + 65_535, 0);
    }
    large.extend_from_slice(&[0, 0]);
    let large = Arc::new(large);
    let floods = [0; 2].map(|_| {
        let (large, port) = (Arc::clone(&large), stage.port);
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            // Until it is closed at the other end.
            while stream.write_all(&large).is_ok() {}
        })
    });
    while stage.server.peers().len() < 3 || stage.received() < 4 * MIB as u64 {
        tokio::task::yield_now().await;
    }
    stage.use_it().await;
    stage.check_memory(2 * ASKING);
    stage.server.peers().iter().for_each(Peer::close);
    for flood in floods {
        tokio::task::spawn_blocking(|| flood.join())
            .await
            .unwrap()
            .unwrap();
    }
}

/// Who announces a lot and sends it byte by byte costs what it has sent, and no longer than a first box may take.
#[tokio::test]
async fn two_hundred_peers_that_drip() {
    let amp = Amp::new().first_box_timeout(Duration::from_secs(1));
    let stage = Stage::new(amp).await;
    // The one who uses the server has its first box behind it.
    let mut dripping = Vec::new();
    for _ in 0..200 {
        let mut stream = stage.hostile().await;
        stream.write_all(b"\0\x04_ask\xff\xff").await.unwrap();
        dripping.push(stream);
    }
    stage.use_it().await;
    stage.check_memory(200 * 8 * KIB);
    for mut stream in dripping {
        // A byte now and then does not help.
        while stream.write_all(b"x").await.is_ok() {
            let mut byte = [0];
            tokio::select! {
                read = stream.read(&mut byte) => {
                    assert!(matches!(read, Ok(0) | Err(_)));
                    break;
                }
                _ = stage.good.call_box("Echo", AmpBox::new()) => {}
            }
        }
    }
    stage.use_it().await;
    assert_eq!(stage.server.peers().len(), 1);
}

/// The answers to calls that were given up come all the same, each twice.
#[tokio::test]
async fn a_hundred_thousand_answers_to_calls_that_were_given_up() {
    const CALLS: u64 = 100_000;
    let stage = Stage::new(Amp::new().extensions(false)).await;
    let mut hostile = stage.hostile().await;
    stage.use_it().await;
    let victim = stage.victim();
    let caller = victim.clone();
    let give_up = async {
        for _ in 0..CALLS {
            caller.ready().await.unwrap();
            drop(caller.call_box("Forget", AmpBox::new()).start());
        }
    };
    let answer = async {
        let mut bytes = Vec::new();
        for _ in 0..CALLS {
            let (length, tag) = loop {
                if let Some(Ok(view)) = parse(&bytes).next() {
                    break (
                        view.to_owned().to_bytes().unwrap().len(),
                        view.get(b"_ask").unwrap().to_vec(),
                    );
                }
                assert_ne!(hostile.read_buf(&mut bytes).await.unwrap(), 0);
            };
            bytes.drain(..length);
            let late = AmpBox::from([(b"_answer".to_vec(), tag)])
                .to_bytes()
                .unwrap();
            hostile.write_all(&late.repeat(2)).await.unwrap();
        }
        let last = AmpBox::from([("_ask", "last"), ("_command", "Echo")]);
        hostile.write_all(&last.to_bytes().unwrap()).await.unwrap();
        assert_eq!(
            read_box(&mut hostile).await.get("_answer").unwrap(),
            b"last"
        );
    };
    tokio::join!(give_up, answer, stage.use_it());
    stage.check_memory(ASKING);
    let stats = victim.stats();
    assert_eq!(stats.late_answers + stats.unknown_answers, 2 * CALLS);
    assert_eq!(stats.calls_waiting, 0);
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

/// Rows of an AmpList that hold nothing, each of which takes two bytes on the wire, and rows in rows.
#[tokio::test]
async fn rows_of_nothing() {
    let stage = Stage::new(Amp::new()).await;
    let mut hostile = stage.hostile().await;
    let mut ask = b"\0\x04_ask\0\x011\0\x08_command\0\x04Rows\0\x04rows\xff\xfe".to_vec();
    ask.resize(ask.len() + 65_534, 0);
    ask.extend_from_slice(&[0, 0]);
    // Rows that end in the middle of a row.
    let mut broken = b"\0\x04_ask\0\x011\0\x08_command\0\x04Rows\0\x04rows\xff\xff".to_vec();
    broken.resize(broken.len() + 65_535, 0);
    broken.extend_from_slice(&[0, 0]);
    let flood = async {
        for _ in 0..200 {
            hostile.write_all(&ask).await.unwrap();
            assert!(read_box(&mut hostile).await.contains_key("_answer"));
            hostile.write_all(&broken).await.unwrap();
            assert!(read_box(&mut hostile).await.contains_key("_error"));
        }
    };
    tokio::join!(flood, stage.use_it());
    stage.check_memory(ASKING + 4 * 32_767 * size_of::<Row>());
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
