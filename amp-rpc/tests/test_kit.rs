//! The kit for tests of programs that use this crate; here it is tested itself, and how it says what is wrong.
#![cfg(feature = "test-util")]

use std::any::{Any, TypeId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use amp_rpc::argument::Source;
use amp_rpc::schema::Type;
use amp_rpc::test_util::{
    Faulty, Scripted, check_command, check_fields, check_fields_with, check_golden, pair, reordered,
};
use amp_rpc::wire::{BoxWriter, Key};
use amp_rpc::{
    Amp, AmpBox, CallError, Command, Context, DecodeError, EncodeError, EndReason, Failure, Field,
    Fields, Peer, Responders,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

#[derive(Debug, PartialEq, Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Fields)]
struct Total {
    total: i64,
}

/// What decodes as something else than was encoded.
#[derive(Debug, Command)]
struct Odd {
    n: f64,
}

impl PartialEq for Odd {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// A value that the connection knows, and that is not sent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Token(u32);

impl Field for Token {
    const TYPE: &'static Type = &Type::Custom(amp_rpc::Shared::Static("Token"));

    fn to_box(
        &self,
        _: Key<'_>,
        _: &mut BoxWriter<'_>,
        _: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        Ok(())
    }

    fn from_box(_: Source<'_>, context: &mut dyn Context) -> Result<Self, DecodeError> {
        let known = context.get::<Self>();
        known
            .copied()
            .ok_or_else(|| DecodeError::missing("a token"))
    }
}

#[derive(Debug, PartialEq, Fields)]
struct Needs {
    token: Token,
}

fn echoing() -> Amp {
    let echo = async |message: AmpBox, _: Peer| Result::<_, Failure>::Ok(message);
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

/// Adds a fault behind so many bytes.
type Fault = fn(Faulty<DuplexStream>, usize) -> Faulty<DuplexStream>;

/// Whether a connection ended as the fault has it.
type IsExpected = fn(&EndReason) -> bool;

/// The message of a panic.
fn panic_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// Every call gets its own answer, and not in the order of the calls; the same seed gives the same order.
#[tokio::test(start_paused = true)]
async fn answers_overtake_each_other() {
    let orders = async |seed: u64| {
        let (one, other) = tokio::io::duplex(1024);
        let _server = echoing().over(other);
        let client = Amp::new().over(reordered(one, Duration::from_millis(5), seed));
        let (ended, mut order) = tokio::sync::mpsc::unbounded_channel();
        let calls = (0..100).map(|n| {
            let call = client
                .call_box("Echo", AmpBox::from([("n", n.to_string())]))
                .owned();
            let (call, ended) = (call.start(), ended.clone());
            tokio::spawn(async move {
                let answer = call.await.unwrap();
                assert_eq!(answer.get("n").unwrap(), n.to_string().as_bytes());
                ended.send(n).unwrap();
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        let mut all = Vec::new();
        while let Ok(n) = order.try_recv() {
            all.push(n);
        }
        all
    };
    let first = orders(1).await;
    assert!(!first.is_sorted(), "{first:?}");
    assert_eq!(orders(1).await, first);
    assert_ne!(orders(5).await, first);
}

/// What is no answer passes as it is, and so does the end.
#[tokio::test(start_paused = true)]
async fn asks_and_the_end_keep_their_places() {
    let (one, other) = tokio::io::duplex(1024);
    let mut near = reordered(one, Duration::from_secs(1), 3);
    let asks = [1, 2].map(|n| {
        let ask = AmpBox::from([("_command", "Echo".to_owned()), ("n", n.to_string())]);
        ask.to_bytes().unwrap()
    });
    let mut sent = asks.concat();
    sent.extend_from_slice(b"\0\x01");
    let (mut reading, mut writing) = tokio::io::split(other);
    writing.write_all(&sent).await.unwrap();
    writing.shutdown().await.unwrap();
    let mut came = Vec::new();
    near.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, sent);
    near.write_all(b"back").await.unwrap();
    drop(near);
    let mut back = Vec::new();
    reading.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"back");
}

#[test]
fn fields_may_need_a_context() {
    /// What is written is what the connection says.
    struct Said(Token);
    impl Context for Said {
        fn extension(&self, id: TypeId) -> Option<&dyn Any> {
            (id == TypeId::of::<Token>()).then_some(&self.0)
        }
    }
    let total = Total { total: 1 };
    check_fields_with(&total, &mut Said(Token(7)));
    let needs = Needs { token: Token(7) };
    check_fields_with(&needs, &mut Said(Token(7)));
    let message = panic_of(|| check_fields_with(&needs, &mut Said(Token(8))));
    assert!(message.contains("came back as another"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_a_connection() {
    let (server, client) = pair(&echoing(), &Amp::new());
    client.call_box("Echo", AmpBox::new()).await.unwrap();
    client.close();
    assert!(matches!(server.closed().await, EndReason::ClosedByPeer));
}

#[tokio::test(start_paused = true)]
async fn a_script_plays_the_peer() {
    let (peer, mut script) = Scripted::new(&echoing());
    let (first, second) = (
        peer.call(Sum { a: 1, b: 2 }).start(),
        peer.call(Sum { a: 3, b: 4 }).start(),
    );
    let one = script.expect("Sum", [("a", "1"), ("b", "2")]).await;
    let two = script.expect("Sum", [("a", "3"), ("b", "4")]).await;
    // In another order, and one of them wrong.
    script.answer(&two, [("total", "seven")]).await;
    script.answer(&one, [("total", "3")]).await;
    assert_eq!(first.await.unwrap(), Total { total: 3 });
    assert!(matches!(second.await, Err(CallError::BadAnswer(_))));
    let failing = peer.call(Sum { a: 0, b: 0 }).start();
    let asked = script.next_ask().await;
    script.fail(&asked, "NO", "not today").await;
    assert!(matches!(failing.await, Err(CallError::Remote(error)) if error.code == b"NO"));
    peer.tell(Sum { a: 5, b: 6 }).await.unwrap();
    assert_eq!(script.next_ask().await.tag, None);
    let answer = script.ask("Echo", [("n", "1")]).await;
    assert_eq!(answer.get("n").unwrap(), b"1");
    script.send_bytes(b"\xff\xff garbage").await;
    script.expect_end().await;
    assert!(matches!(peer.ended().await, EndReason::Ended(_)));
}

#[tokio::test(start_paused = true)]
async fn a_script_says_what_it_expected() {
    for (expected, what) in [
        ("Product", "Product {a: \"1\", b: \"2\"}"),
        ("Sum", "Sum {a: \"1\"}"),
    ] {
        let (peer, mut script) = Scripted::new(&Amp::new());
        let _call = peer.call(Sum { a: 1, b: 2 }).start();
        let arguments = match expected {
            "Sum" => AmpBox::from([("a", "1")]),
            _ => AmpBox::from([("a", "1"), ("b", "2")]),
        };
        let failed = tokio::spawn(async move { script.expect(expected, arguments).await });
        let panic = failed.await.unwrap_err().into_panic();
        let message = panic.downcast::<String>().unwrap();
        assert!(message.contains(what), "{message}");
        assert!(message.contains("Sum {a: \"1\", b: \"2\"}"), "{message}");
    }
    let (peer, mut script) = Scripted::new(&Amp::new());
    peer.close();
    let failed = tokio::spawn(async move { script.next_ask().await });
    let panic = failed.await.unwrap_err().into_panic();
    assert!(
        panic
            .downcast::<&str>()
            .unwrap()
            .contains("the connection has ended")
    );
}

#[tokio::test(start_paused = true)]
async fn streams_have_the_faults_that_were_asked_for() {
    let long = AmpBox::from([("x", "x".repeat(500))]);
    // Split at every byte, and slow.
    let (one, other) = tokio::io::duplex(64);
    let (_server, client) = (
        echoing().over(Faulty::new(one).pieces(1).delay(Duration::from_millis(1))),
        Amp::new().over(Faulty::new(other).pieces(3)),
    );
    let start = Instant::now();
    let answer = client.call_box("Echo", long.clone()).await.unwrap();
    assert_eq!(answer.get("x"), long.get("x"));
    assert!(start.elapsed() >= Duration::from_millis(500));

    for bytes in [0, 1, 30, 40] {
        let ends: [(Fault, IsExpected); 3] = [
            (Faulty::fail_after_read, |end| {
                matches!(end, EndReason::Lost(_))
            }),
            (Faulty::end_after_read, |end| {
                matches!(end, EndReason::ClosedByPeer)
            }),
            (Faulty::fail_after_written, |end| {
                matches!(end, EndReason::Lost(_))
            }),
        ];
        for (fault, expected) in ends {
            let (one, other) = tokio::io::duplex(1024);
            let (_server, client) = (
                echoing().over(one),
                Amp::new().over(fault(Faulty::new(other), bytes)),
            );
            let call = client.call_box("Echo", long.clone()).await;
            assert!(matches!(call, Err(CallError::Ended(_))), "{call:?}");
            assert!(expected(&client.ended().await), "{:?}", client.end_reason());
        }
        for stall in [Faulty::stall_after_read, Faulty::stall_after_written] {
            let (one, other) = tokio::io::duplex(1024);
            let (_server, client) = (
                echoing().over(one),
                Amp::new().over(stall(Faulty::new(other), bytes)),
            );
            let call = client.call_box("Echo", long.clone());
            let call = call.timeout(Duration::from_secs(10)).await;
            assert!(matches!(call, Err(CallError::TimedOut { .. })), "{call:?}");
        }
    }
    assert!(panic_of(|| drop(Faulty::new(()).pieces(0))).contains("no bytes"));
}

#[test]
fn commands_and_fields_come_back() {
    check_command(&Sum { a: i64::MIN, b: 0 });
    check_fields(&Total { total: -1 });
    let message = panic_of(|| check_command(&Odd { n: 0.5 }));
    assert!(message.contains("went in:   Odd { n: 0.5 }"), "{message}");
}

/// Sets no variable of the environment: the file that is compared with ships with the tests.
#[test]
fn golden_boxes_are_compared() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/test_kit_sum.box");
    check_golden(&Sum { a: 13, b: 81 }, file);
    let message = panic_of(|| check_golden(&Sum { a: 14, b: 81 }, file));
    assert!(
        message.contains("a\\x00\\x0213") && message.contains("a\\x00\\x0214"),
        "{message}"
    );
    let message = panic_of(|| check_golden(&Sum { a: 1, b: 2 }, "no/such/file"));
    assert!(message.contains("AMP_RPC_WRITE_GOLDEN"), "{message}");
}
