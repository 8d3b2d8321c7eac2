//! Boxes that take little room are written in one go. They are what they are when they are written pair by pair.

mod derive_support;

use amp_rpc::schema::CommandKind;
use amp_rpc::wire::{AtOnce, BoxWriter, Limits};
use amp_rpc::{Compat, Context, EncodeError, Fields, NoContext, WriteFields};
use amp_rpc_core::conversation::{Answering, Asking, CallId, Head, write_ask};

use self::derive_support::{decode, encode, many};

#[derive(Debug, PartialEq, Fields)]
struct Nothing {}

#[derive(Debug, Clone, PartialEq, Fields)]
struct Few {
    flag: bool,
    large: u64,
    letter: char,
    number: i64,
    perhaps: Option<i16>,
    text: String,
}

/// A key before those of the protocol.
#[derive(Debug, PartialEq, Fields)]
struct Before {
    #[amp(name = "A")]
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Fields)]
struct Table {
    rows: Vec<Few>,
}

/// The same fields, pair by pair.
struct OneByOne<'a, T>(&'a T);

impl<T: Fields> WriteFields for OneByOne<'_, T> {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.0.to_box(out, cx)
    }
}

/// The same fields, at once or not at all.
struct OnlyAtOnce<'a, T>(&'a T);

impl<T: Fields> WriteFields for OnlyAtOnce<'_, T> {
    fn write_fields(
        &self,
        _out: &mut BoxWriter<'_>,
        _cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        Err(EncodeError::unencodable("it is written pair by pair"))
    }

    fn write_at_once(&self, out: &mut AtOnce<'_>) -> bool {
        self.0.write_at_once(out)
    }
}

fn fews() -> impl Iterator<Item = Few> {
    let numbers = [
        0,
        7,
        -12,
        99_999_999,
        100_000_000,
        -1_234_567_890_123_456_789,
        i64::MIN,
    ];
    let lengths = [0, 3, 255, 256, 1_000];
    let all = (numbers.into_iter()).flat_map(move |number| lengths.map(|length| (number, length)));
    all.enumerate().map(|(index, (number, length))| Few {
        flag: index % 2 == 0,
        large: number as u64,
        letter: ['a', 'ß', '€', '🦀'][index % 4],
        number,
        perhaps: (index % 3 > 0).then_some(number as i16),
        text: "x".repeat(length),
    })
}

/// Limits around what such boxes need, which is less than the room that is made for them.
fn limits() -> impl Iterator<Item = Limits> {
    let boxes = (20..600).step_by(7).chain([usize::MAX]);
    let values = (0..42).chain([255, 256]);
    (boxes.map(|most| Limits::DEFAULT.box_bytes(most)))
        .chain(values.map(|most| Limits::DEFAULT.value_bytes(most)))
}

/// What is written behind other bytes, which stay as they are where nothing can be.
fn written<E: std::fmt::Debug>(
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, String> {
    let mut out = b"before".to_vec();
    match write(&mut out) {
        Ok(()) => Ok(out),
        Err(error) => {
            assert_eq!(out, b"before");
            Err(format!("{error:?}"))
        }
    }
}

/// All boxes that carry fields, for a command of this name or with a tag of this length.
fn boxes<F: WriteFields>(fields: &F, name: &[u8], limits: Limits) -> [Result<Vec<u8>, String>; 5] {
    // Of all lengths, by the length of the name.
    let tag = &b"123456789abc"[..1 + name.len() % 12];
    let call = CallId::parse(tag).unwrap();
    let cx = &mut NoContext;
    let plain = Head::new(name, CommandKind::Plain);
    let deadline = Head {
        deadline: Some(b"1500"),
        ..plain
    };
    let traced = Head {
        traceparent: Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ..deadline
    };
    let mut ask_with = |head| {
        let mut asking = Asking::<()>::new(limits);
        written(|out| {
            let fill = |place: &mut Option<()>| *place = Some(());
            asking.ask(head, fields, fill, out, cx).map(drop)
        })
    };
    [
        ask_with(deadline),
        ask_with(traced),
        written(|out| write_ask(call, name, fields, limits, out, &mut NoContext)),
        written(|out| Asking::<()>::new(limits).tell(name, fields, out, &mut NoContext)),
        written(|out| {
            let answering = Answering::new(Compat::default(), limits);
            let is_written = answering.answer(name, fields, out, &mut NoContext);
            is_written.then_some(()).ok_or("refused")
        }),
    ]
}

fn compare(fields: &impl Fields, name: &[u8], limits: Limits) {
    let (at_once, one_by_one) = (fields, &OneByOne(fields));
    assert_eq!(
        boxes(at_once, name, limits),
        boxes(one_by_one, name, limits)
    );
}

#[test]
fn with_names_and_tags_of_any_length() {
    for length in (0..70).chain([255, 256, 1_000]) {
        let name = &b"abcdefgh".repeat(125)[..length];
        compare(&(), name, Limits::DEFAULT);
        compare(&Nothing {}, name, Limits::DEFAULT);
        compare(&Before { a: 1, b: 2 }, name, Limits::DEFAULT);
        compare(&many(), name, Limits::DEFAULT);
        for few in fews() {
            compare(&few, name, Limits::DEFAULT);
        }
    }
}

#[test]
fn with_any_limits() {
    for limits in limits() {
        for name in [&b""[..], b"Sum", &[b'n'; 32], &[b'n'; 40]] {
            compare(&(), name, limits);
            compare(&many(), name, limits);
            for few in fews() {
                compare(&few, name, limits);
            }
        }
    }
}

#[test]
fn as_rows() {
    let rows: Vec<_> = fews().collect();
    let wanted: Vec<_> = rows.iter().flat_map(encode).collect();
    let bytes = encode(&Table { rows: rows.clone() });
    let length = u16::try_from(wanted.len()).unwrap().to_be_bytes();
    assert_eq!(
        bytes,
        [b"\0\x04rows", &length[..], &wanted, b"\0\0"].concat()
    );
    assert_eq!(decode::<Table>(&bytes), Table { rows });
}

#[test]
fn what_takes_little_room_is_not_written_pair_by_pair() {
    fn check(fields: &impl Fields) {
        let fields = OnlyAtOnce(fields);
        let [deadline, _, ask, tell, answer] = boxes(&fields, b"Sum", Limits::DEFAULT);
        let [_, _, long_ask, long_tell, long_answer] = boxes(&fields, &[b'n'; 32], Limits::DEFAULT);
        for written in [
            deadline,
            ask,
            tell,
            answer,
            long_ask,
            long_tell,
            long_answer,
        ] {
            written.unwrap();
        }
    }
    check(&());
    check(&Nothing {});
    check(&many());
    for few in fews().filter(|few| few.text.len() < 256) {
        check(&few);
    }
}
