use std::collections::HashMap;

use amp_rpc_core::conversation::{Ask, CallId, Compat, Conversation, Event, Outcome, OwnCall};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::Limits;
use amp_rpc_core::{AmpBox, NoContext, RemoteError, Shared};

use crate::Choices;

/// Two conversations against each other, with their bytes cut in any way: every call that is not given up
/// gets its own number, as an answer or an error, and gets it once.
pub fn two_ends(input: &[u8]) {
    let mut choices = Choices(input);
    let compat = if choices.byte() % 2 == 0 {
        Compat::default()
    } else {
        Compat::twisted()
    };
    let mut ends = [End::new(compat), End::new(compat)];
    while !choices.is_empty() {
        let operation = choices.byte();
        let which = usize::from(operation & 1);
        match operation >> 1 & 7 {
            0 | 1 => ends[which].call(),
            2 => ends[which].answer(choices.byte(), false),
            3 => ends[which].answer(choices.byte(), true),
            4 => ends[which].abandon(choices.byte()),
            _ => {
                let length = usize::from(choices.byte()) + 1;
                carry(&mut ends, which, length);
            }
        }
    }
    // What is under way is carried through.
    while ends
        .iter()
        .any(|end| !end.out.is_empty() || !end.asks.is_empty())
    {
        for which in 0..2 {
            carry(&mut ends, which, usize::MAX);
            while !ends[which].asks.is_empty() {
                ends[which].answer(0, false);
            }
        }
    }
    for end in ends {
        assert!(end.waiting.is_empty(), "{:?} did not end", end.waiting);
        assert_eq!(end.late, end.abandoned, "not as many late answers");
    }
}

/// Moves bytes from one end to the other.
fn carry(ends: &mut [End; 2], from: usize, length: usize) {
    let length = length.min(ends[from].out.len());
    let bytes: Vec<u8> = ends[from].out.drain(..length).collect();
    ends[1 - from].receive(&bytes);
}

struct End {
    conversation: Conversation<u32>,
    input: Vec<u8>,
    out: Vec<u8>,
    asks: Vec<(Ask, Vec<u8>)>,
    called: u32,
    /// The calls that wait, by their numbers.
    waiting: HashMap<u32, CallId>,
    abandoned: usize,
    late: usize,
}

impl End {
    fn new(compat: Compat) -> Self {
        Self {
            conversation: Conversation::new(compat, Limits::default()),
            input: Vec::new(),
            out: Vec::new(),
            asks: Vec::new(),
            called: 0,
            waiting: HashMap::new(),
            abandoned: 0,
            late: 0,
        }
    }

    fn call(&mut self) {
        let call = OwnCall {
            command: Shared::Static(b"Echo"),
            kind: CommandKind::Plain,
            fields: Box::new(AmpBox::from([("n", self.called.to_string())])),
            data: Some(self.called),
        };
        let made = self.conversation.call(call, &mut self.out, &mut NoContext);
        let id = made
            .expect("the call is a good one")
            .expect("it was written");
        self.waiting.insert(self.called, id);
        self.called += 1;
    }

    /// Gives up one of the calls of this end.
    fn abandon(&mut self, choice: u8) {
        let number = self.called.wrapping_sub(u32::from(choice));
        if let Some(id) = self.waiting.remove(&number) {
            assert_eq!(self.conversation.abandon(id), Some(number), "another call");
            assert_eq!(self.conversation.abandon(id), None, "given up twice");
            self.abandoned += 1;
        }
    }

    fn answer(&mut self, choice: u8, fails: bool) {
        if self.asks.is_empty() {
            return;
        }
        let index = usize::from(choice) % self.asks.len();
        let (ask, number) = self.asks.swap_remove(index);
        let error = RemoteError::new("NUMBER", String::from_utf8_lossy(&number));
        let fields = AmpBox::from([(b"n".to_vec(), number)]);
        let outcome = if fails {
            Outcome::Remote(&error)
        } else {
            Outcome::Answered(&fields)
        };
        let replied =
            (self.conversation).reply(&ask, Errors::NONE, outcome, &mut self.out, &mut NoContext);
        assert!(replied.boundary.is_none() && replied.fault.is_none());
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        loop {
            let input = std::mem::take(&mut self.input);
            let received = (self.conversation).receive(&input, &mut self.out, &mut NoContext);
            let Some((length, event)) = received else {
                self.input = input;
                return;
            };
            match event {
                Event::Ask {
                    tag,
                    command,
                    fields,
                } => {
                    let read = |view: &amp_rpc_core::wire::BoxView<'_>,
                                _: &mut dyn amp_rpc_core::Context| {
                        Ok(view.get(b"n").map(|n| n.to_vec()).unwrap_or_default())
                    };
                    let kind = Some(CommandKind::Plain);
                    let ask = self.conversation.accept(
                        (tag, &command, &fields),
                        kind,
                        read,
                        &mut self.out,
                        &mut NoContext,
                    );
                    self.asks.push(ask.expect("the ask is a good one"));
                }
                Event::Answered { data, fields, .. } => {
                    let number = fields.get(b"n").expect("the answer has a number");
                    assert_eq!(number[..], *data.to_string().as_bytes(), "another's answer");
                    assert!(self.waiting.remove(&data).is_some(), "{data} ended twice");
                }
                Event::Failed {
                    data,
                    error: Some(error),
                    boundary: None,
                    ..
                } => {
                    assert_eq!(error.description, data.to_string(), "another's error");
                    assert!(self.waiting.remove(&data).is_some(), "{data} ended twice");
                }
                Event::Ignored => self.late += 1,
                other => panic!("{other:?}"),
            }
            self.input = input[length..].to_vec();
        }
    }
}
