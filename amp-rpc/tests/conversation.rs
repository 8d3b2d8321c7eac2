//! Calls over a stream, by hand-written commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use amp_rpc::schema::FieldSchema;
use amp_rpc::wire::{BoxView, BoxWriter, Key, Name};
use amp_rpc::{
    Amp, AmpBox, Answer, Argument, CallError, Command, Context, DecodeError, EncodeError, Failure,
    Field, Fields, Locator, NoErrors, Peer, Responder, Responders, argument::Source,
};

#[derive(Debug)]
struct Sum {
    a: i64,
    b: i64,
}

const A: Key<'static> = Key::from_prefixed(b"\0\x01a");
const B: Key<'static> = Key::from_prefixed(b"\0\x01b");
const TOTAL: Key<'static> = Key::from_prefixed(b"\0\x05total");

impl Fields for Sum {
    const FIELDS: &'static [FieldSchema] = &[
        FieldSchema::new_static(
            Name::from_prefixed(b"\0\x01a"),
            <i64 as Argument>::TYPE,
            false,
        ),
        FieldSchema::new_static(
            Name::from_prefixed(b"\0\x01b"),
            <i64 as Argument>::TYPE,
            false,
        ),
    ];

    fn to_box(&self, out: &mut BoxWriter<'_>, cx: &mut dyn Context) -> Result<(), EncodeError> {
        Field::to_box(&self.a, A, out, cx)?;
        Field::to_box(&self.b, B, out, cx)
    }

    fn from_box(view: &BoxView<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
        let [a, b] = view.lookup(&[A, B]);
        Ok(Self {
            a: Field::from_box(Source::new(A, a, view), cx)?,
            b: Field::from_box(Source::new(B, b, view), cx)?,
        })
    }
}

#[derive(Debug, PartialEq)]
struct Total {
    total: i64,
}

impl Fields for Total {
    const FIELDS: &'static [FieldSchema] = &[FieldSchema::new_static(
        Name::from_prefixed(b"\0\x05total"),
        <i64 as Argument>::TYPE,
        false,
    )];

    fn to_box(&self, out: &mut BoxWriter<'_>, cx: &mut dyn Context) -> Result<(), EncodeError> {
        Field::to_box(&self.total, TOTAL, out, cx)
    }

    fn from_box(view: &BoxView<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
        let [total] = view.lookup(&[TOTAL]);
        Ok(Self {
            total: Field::from_box(Source::new(TOTAL, total, view), cx)?,
        })
    }
}

impl Command for Sum {
    type Response = Total;
    type Error = NoErrors;
    const NAME: &'static [u8] = b"Sum";
}

async fn sum(command: Sum) -> Answer<Sum> {
    Ok(Total {
        total: command.a + command.b,
    })
}

fn pair(server: Amp) -> (Peer, Peer) {
    let (left, right) = tokio::io::duplex(64);
    (server.over(left), Amp::new().over(right))
}

#[tokio::test]
async fn a_call_is_answered() {
    let (_server, client) = pair(Amp::new().locator(Responders::new().on(sum)));
    let answer = client.call(Sum { a: 13, b: 81 }).await.unwrap();
    assert_eq!(answer, Total { total: 94 });
}

#[tokio::test]
async fn many_calls_are_answered() {
    let (_server, client) = pair(Amp::new().locator(Responders::new().on(sum)));
    let calls = (0..5_000).map(|n| {
        let client = client.clone();
        tokio::spawn(async move { (n, client.call(Sum { a: n, b: 1 }).await.unwrap().total) })
    });
    for call in calls.collect::<Vec<_>>() {
        let (n, total) = call.await.unwrap();
        assert_eq!(total, n + 1);
    }
}

#[tokio::test]
async fn an_unknown_command_is_unhandled() {
    let (_server, client) = pair(Amp::new());
    let error = client.call(Sum { a: 1, b: 2 }).await.unwrap_err();
    let message = error.to_string();
    let expected = r#"the peer has no responder for the command "Sum": "#;
    assert!(message.starts_with(expected), "{message}");
    match error {
        CallError::Unhandled { command, .. } => assert_eq!(command, b"Sum"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_handler_calls_its_caller_back() {
    async fn relay(command: AmpBox, peer: Peer) -> Result<AmpBox, Failure> {
        let n: i64 = std::str::from_utf8(command.get("n").unwrap_or_default())
            .unwrap()
            .parse()
            .unwrap();
        if n == 0 {
            return Ok(AmpBox::from([("depth", "0")]));
        }
        let arguments = AmpBox::from([("n", (n - 1).to_string())]);
        let answer = peer.call_box("Relay", arguments).await;
        answer.map_err(Failure::unexpected)
    }
    let amp = Amp::new().locator(Responders::new().on_box("Relay", relay));
    let (left, right) = tokio::io::duplex(16);
    let (_server, client) = (amp.over(left), amp.over(right));
    let arguments = AmpBox::from([("n", "100")]);
    let answer = client.call_box("Relay", arguments).await.unwrap();
    assert_eq!(answer.get("depth"), Some(&b"0"[..]));
}

/// Gives another responder each time, and counts how often it is asked.
struct Changing {
    asked: Arc<AtomicUsize>,
    is_fixed: bool,
}

impl Locator for Changing {
    fn locate(&self, _: &[u8]) -> Option<Responder> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        Some(Responder::on_box(move |_, _| async move {
            Ok(AmpBox::from([("number", number.to_string())]))
        }))
    }

    fn is_fixed(&self) -> bool {
        self.is_fixed
    }
}

#[tokio::test]
async fn a_locator_is_asked_each_time_unless_it_is_fixed() {
    for is_fixed in [false, true] {
        let asked = Arc::new(AtomicUsize::new(0));
        let locator = Changing {
            asked: Arc::clone(&asked),
            is_fixed,
        };
        let (one, other) = tokio::io::duplex(1024);
        let _server = Amp::new().locator(locator).over(one);
        let client = Amp::new().over(other);
        let mut last = 0;
        for n in 0..100 {
            let answer = client.call_box("Any", AmpBox::new()).await.unwrap();
            last = String::from_utf8_lossy(answer.get("number").unwrap())
                .parse()
                .unwrap();
            assert!(is_fixed || last == n);
        }
        let times = asked.load(Ordering::Relaxed);
        assert!(if is_fixed { times == 1 } else { times == 100 }, "{times}");
        assert_eq!(last, times - 1);
    }
}

/// Two names do not get into each other's way, however they alternate.
#[tokio::test]
async fn a_remembered_responder_is_that_of_its_name() {
    let answering = |text: &'static str| {
        move |_: AmpBox, _: Peer| async move { Ok::<_, Failure>(AmpBox::from([("is", text)])) }
    };
    let amp = Amp::new().locator(
        Responders::new()
            .on_box("One", answering("one"))
            .on_box("Two", answering("two"))
            .fallback(answering("another")),
    );
    let (one, other) = tokio::io::duplex(1024);
    let _server = amp.over(one);
    let client = Amp::new().over(other);
    for name in [
        "One", "One", "One", "Two", "Two", "One", "Three", "Three", "On", "Four", "Two",
    ] {
        let answer = client.call_box(name, AmpBox::new()).await.unwrap();
        let expected = match name {
            "One" => "one",
            "Two" => "two",
            _ => "another",
        };
        assert_eq!(answer.get("is").unwrap(), expected.as_bytes(), "{name}");
    }
}
