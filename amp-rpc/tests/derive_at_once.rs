//! Structs of values that are small are written and read in ways of their own. It makes no difference.

mod derive_support;

use amp_rpc::wire::{BoxWriter, Decoder, Key, Limits, SHARED_FROM, parse, protocol};
use amp_rpc::{EncodeError, Fields, NoContext};

use self::derive_support::{Many, decode, encode, many, wire};

#[derive(Debug, Clone, Default, PartialEq, Fields)]
struct Small {
    flag: bool,
    large: u64,
    letter: char,
    number: i64,
    perhaps: Option<i16>,
    text: String,
    tiny: i8,
}

impl Small {
    /// Its box, by the rules.
    fn wire(&self) -> Vec<u8> {
        let (large, number, tiny) = (self.large, self.number, self.tiny);
        let [large, number, tiny] = [large.to_string(), number.to_string(), tiny.to_string()];
        let (letter, perhaps) = (
            self.letter.to_string(),
            self.perhaps.map(|it| it.to_string()),
        );
        let mut pairs: Vec<(&[u8], &[u8])> = vec![
            (b"flag", if self.flag { b"True" } else { b"False" }),
            (b"large", large.as_bytes()),
            (b"letter", letter.as_bytes()),
            (b"number", number.as_bytes()),
        ];
        pairs.extend(perhaps.iter().map(|it| (&b"perhaps"[..], it.as_bytes())));
        pairs.push((b"text", self.text.as_bytes()));
        pairs.push((b"tiny", tiny.as_bytes()));
        wire(&pairs)
    }
}

/// Numbers around all where their digits become more, with all lengths of text that matter.
fn smalls() -> impl Iterator<Item = Small> {
    let powers = (0..20).map(|digits| 10_u64.pow(digits));
    let numbers = powers.flat_map(|power| [power - 1, power, power + 1]);
    let lengths = [0, 1, 255, 256, SHARED_FROM - 1, SHARED_FROM, 20_000];
    numbers
        .chain([u64::MAX])
        .enumerate()
        .map(move |(index, number)| Small {
            flag: index % 2 == 0,
            large: number,
            letter: ['a', 'ß', '€', '🦀'][index % 4],
            number: [1, -1][index % 2] * number as i64,
            perhaps: (index % 3 > 0).then_some(number as i16),
            text: "x".repeat(lengths[index % lengths.len()]),
            tiny: number as i8,
        })
}

/// What the front of a buffer is read as.
fn front<T: Fields>(bytes: &[u8]) -> Option<T> {
    let decoder = Decoder::default();
    match T::from_front(decoder.front(bytes)?, &mut NoContext) {
        Ok((fields, length)) => {
            assert_eq!(length.get(), bytes.len());
            Some(fields)
        }
        Err(error) => {
            assert!(error.is_none(), "{error:?}");
            None
        }
    }
}

#[test]
fn it_is_written_and_read_as_by_the_rules() {
    let ends = [i64::MIN, i64::MIN + 1, i64::MAX].map(|number| Small {
        number,
        tiny: i8::MIN,
        ..Small::default()
    });
    for small in smalls().chain(ends) {
        let bytes = small.wire();
        assert_eq!(encode(&small), bytes, "{small:?}");
        assert_eq!(decode::<Small>(&bytes), small);
        if small.text.len() < SHARED_FROM {
            assert_eq!(front(&bytes), Some(small));
        }
    }
    let many = many();
    let bytes = encode(&many);
    assert_eq!(decode::<Many>(&bytes), many);
    assert_eq!(front(&bytes), Some(many));
}

#[test]
fn the_pairs_of_the_protocol_come_first() {
    let small = Small::default();
    let mut out = b"before".to_vec();
    let pairs = [(protocol::ASK, &b"1"[..]), (protocol::COMMAND, b"Small")];
    let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, &pairs);
    small.to_box(&mut writer, &mut NoContext).unwrap();
    writer.finish().unwrap();
    let head = b"before\0\x04_ask\0\x011\0\x08_command\0\x05Small";
    assert_eq!(out, [head, &*small.wire()].concat());
}

#[test]
fn a_struct_that_is_written_twice_is_sorted() {
    let mut out = Vec::new();
    let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, &[]);
    let small = Small {
        number: 5,
        ..Small::default()
    };
    for small in [&Small::default(), &small] {
        small.to_box(&mut writer, &mut NoContext).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(out, small.wire());
}

#[derive(Debug, Default, Fields)]
struct Optional {
    a: Option<i64>,
    b: Option<i64>,
}

#[test]
fn what_is_written_behind_absent_fields_is_in_its_place() {
    for b in [None, Some(2)] {
        let mut out = Vec::new();
        let pairs = [(protocol::ANSWER, &b"1"[..])];
        let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, &pairs);
        let fields = Optional { a: None, b };
        fields.to_box(&mut writer, &mut NoContext).unwrap();
        for key in [b"\0\x01a", b"\0\x01\0"] {
            writer.put(Key::from_prefixed(key), b"").unwrap();
        }
        writer.finish().unwrap();
        let view = parse(&out).next().unwrap().unwrap();
        let keys: Vec<_> = view.iter().map(|(key, _)| key).collect();
        let wanted: [&[u8]; 4] = [b"\0", b"_answer", b"a", b"b"];
        assert_eq!(keys, wanted[..3 + usize::from(b.is_some())]);
    }
}

#[test]
fn the_limits_count() {
    let small = Small {
        number: 12_345,
        large: 123_456,
        ..Small::default()
    };
    let size = small.wire().len();
    let write = |limits| -> Result<(), EncodeError> {
        let mut out = b"before".to_vec();
        let mut writer = BoxWriter::new(&mut out, limits, &[]);
        let written = small.to_box(&mut writer, &mut NoContext);
        let written = written.and_then(|()| writer.finish());
        let wanted = if written.is_ok() {
            small.wire()
        } else {
            Vec::new()
        };
        assert_eq!(out, [b"before", &*wanted].concat());
        written
    };
    write(Limits::DEFAULT.value_bytes(6)).unwrap();
    let error = write(Limits::DEFAULT.value_bytes(5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`large`: the value has 6 bytes, the limit is 5"
    );
    write(Limits::DEFAULT.box_bytes(size)).unwrap();
    write(Limits::DEFAULT.box_bytes(size - 1)).unwrap_err();
}

/// Keys and values.
type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];

#[derive(Debug, PartialEq, Fields)]
struct Two {
    a: i64,
    b: Option<u8>,
}

#[test]
fn what_is_not_as_expected_is_left_to_the_decoder() {
    let cases: &[(Pairs<'_>, Option<Two>)] = &[
        (
            &[(b"a", b"1"), (b"b", b"2")],
            Some(Two { a: 1, b: Some(2) }),
        ),
        (&[(b"a", b"-1")], Some(Two { a: -1, b: None })),
        (&[(b"a", b"0012")], Some(Two { a: 12, b: None })),
        (&[(b"a", b" 1_000 ")], Some(Two { a: 1_000, b: None })),
        (&[(b"a", b"+1")], Some(Two { a: 1, b: None })),
        (
            &[(b"a", b"-9223372036854775808")],
            Some(Two {
                a: i64::MIN,
                b: None,
            }),
        ),
        (&[(b"a", b"1"), (b"b", b"256")], None),
        (&[(b"a", b"1"), (b"b", b"-1")], None),
        (&[(b"a", b"")], None),
        (&[(b"a", b"-")], None),
        (&[(b"a", b"1"), (b"c", b"2")], None),
        (&[(b"b", b"1"), (b"a", b"2")], None),
        (&[(b"a", b"1"), (b"a", b"2")], None),
        (&[(b"b", b"1")], None),
        (&[], None),
    ];
    for (pairs, wanted) in cases {
        assert_eq!(front(&wire(pairs)), *wanted, "{pairs:?}");
    }
    let whole = wire(&[(b"a", b"1234"), (b"b", b"2")]);
    for end in 0..whole.len() {
        assert_eq!(front::<Two>(&whole[..end]), None);
    }
}

/// Its fields are optional or not, in all orders, and one of a type that is known later.
#[derive(Debug, PartialEq, Fields)]
struct Mixed<T> {
    a: Option<u8>,
    b: i64,
    c: Option<T>,
    d: u16,
    e: Option<i32>,
}

/// Whatever stands at the front of a buffer, what is read there is what the decoder finds, with the values that the general way
/// reads; and without a box there, nothing is read.
fn compare<T: Fields + PartialEq + std::fmt::Debug>(buffer: &[u8], limits: Limits) -> bool {
    let shown = buffer.escape_ascii();
    let front = Decoder::new(limits).front(buffer).unwrap();
    let read = T::from_front(front, &mut NoContext);
    let mut decoder = Decoder::new(limits);
    match (read, decoder.decode(buffer)) {
        (Ok((fields, found)), Ok(Some(frame))) => {
            assert_eq!(found.get(), frame.len(), "{shown}");
            let wanted = T::from_box(&frame.view(), &mut NoContext);
            assert_eq!(fields, wanted.unwrap(), "{shown}");
            true
        }
        (Err(None), _) => false,
        (read, decoded) => panic!("{shown}: {read:?} of {decoded:?}"),
    }
}

#[test]
fn what_is_read_at_once_is_what_is_read_in_general() {
    let long = "9".repeat(300);
    let values: [&[u8]; 14] = [
        b"",
        b"0",
        b"-",
        b"-7",
        b"+7",
        b" 7 ",
        b"1_0",
        b"007",
        b"255",
        b"65536",
        b"-2147483649",
        b"7x",
        b"\xff",
        long.as_bytes(),
    ];
    let usual: Pairs<'_> = &[
        (b"a", b"1"),
        (b"b", b"22"),
        (b"c", b"333"),
        (b"d", b"4444"),
        (b"e", b"5"),
    ];
    // By the low byte of its length, a value ends where it seems that its box does.
    let deceptive = [&b"4\0\0"[..], &[b'x'; 254]].concat();
    let mut boxes = vec![wire(usual), wire(&[(b"b", b"1"), (b"d", &deceptive)])];
    for index in 0..usual.len() {
        for value in values {
            let mut pairs = usual.to_vec();
            pairs[index].1 = value;
            boxes.push(wire(&pairs));
        }
        for other in [&b"a"[..], b"e", b"bb", b"_", b"z"] {
            let mut pairs = usual.to_vec();
            pairs[index].0 = other;
            boxes.push(wire(&pairs));
        }
        let mut pairs = usual.to_vec();
        pairs.swap(0, index);
        boxes.push(wire(&pairs));
    }
    for whole in &boxes {
        for behind in [&b""[..], b"\0", b"\0\x01a\0\x011\0\0"] {
            let buffer = [whole, behind].concat();
            compare::<Mixed<String>>(&buffer, Limits::DEFAULT);
            compare::<Mixed<i64>>(&buffer, Limits::DEFAULT);
        }
        for end in 0..whole.len() {
            assert!(!compare::<Mixed<String>>(&whole[..end], Limits::DEFAULT));
        }
    }
    // Any of them may be left out, which decides what has to be behind the others.
    for left_out in 0_u8..1 << usual.len() {
        let is_there = |index: usize| left_out >> index & 1 == 0;
        let pairs = (usual.iter().enumerate()).filter(|(index, _)| is_there(*index));
        let whole = wire(&pairs.map(|(_, pair)| *pair).collect::<Vec<_>>());
        let is_read = compare::<Mixed<String>>(&whole, Limits::DEFAULT);
        assert_eq!(is_read, is_there(1) && is_there(3), "{left_out:05b}");
    }
    let whole = wire(usual);
    let pairs = |most| Limits::DEFAULT.box_pairs(most);
    let bytes = |most| Limits::DEFAULT.box_bytes(most);
    assert!(compare::<Mixed<i64>>(&whole, pairs(5)));
    assert!(compare::<Mixed<i64>>(&whole, bytes(whole.len())));
    for limits in [pairs(4), bytes(whole.len() - 1)] {
        let front = Decoder::new(limits).front(&whole).unwrap();
        let read = Mixed::<i64>::from_front(front, &mut NoContext);
        assert!(matches!(read, Err(None)), "{read:?}");
    }
}
