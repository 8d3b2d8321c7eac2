use std::collections::BTreeMap;

use amp_rpc_core::conversation::{
    Ask, Boundary, CallId, Compat, Conversation, Event, Outcome, OwnCall,
};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{Limits, parse};
use amp_rpc_core::{AmpBox, NoContext, RemoteError, Shared};

use crate::Choices;

/// Any operations on one conversation, with any bytes from its peer: nothing panics, what is written is
/// boxes, and every call that was accepted ends exactly once.
pub fn operations(input: &[u8]) {
    let mut choices = Choices(input);
    let compat = if choices.byte() % 2 == 0 {
        Compat::default()
    } else {
        Compat::twisted()
    };
    let limits = Limits::DEFAULT.box_bytes(4_096).box_pairs(64);
    let mut side = Side {
        conversation: Conversation::new(compat, limits),
        input: Vec::new(),
        written: Vec::new(),
        asks: Vec::new(),
        waiting: BTreeMap::new(),
        next: 0,
        over: false,
    };
    while !choices.is_empty() {
        side.operate(&mut choices);
    }
    for call in side.conversation.end() {
        let waited = side.waiting.remove(&call);
        assert!(waited.is_some(), "call {call} ended twice");
    }
    assert!(
        side.waiting.is_empty(),
        "calls {:?} never ended",
        side.waiting
    );
    assert!(parse(&side.written).all(|view| view.is_ok()), "not boxes");
}

struct Side {
    conversation: Conversation<u32>,
    input: Vec<u8>,
    written: Vec<u8>,
    asks: Vec<Ask>,
    /// The calls that wait for their ends, and the ids of those that were written.
    waiting: BTreeMap<u32, Option<CallId>>,
    next: u32,
    over: bool,
}

const KINDS: [CommandKind; 4] = [
    CommandKind::Plain,
    CommandKind::ClosesAfterAnswer,
    CommandKind::ProtocolSwitch,
    CommandKind::StartTls,
];

impl Side {
    fn operate(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 8 {
            0 | 1 => {
                let length = usize::from(choices.byte());
                self.input.extend_from_slice(choices.bytes(length));
                self.receive(choices);
            }
            2 => self.receive_box(choices),
            3 | 4 => self.call(choices),
            5 => self.reply(choices),
            6 if choices.byte() % 2 == 0 => self.abandon(choices),
            6 if self.over => {
                let unsent = self
                    .conversation
                    .tls_began(&mut self.written, &mut NoContext);
                self.over = false;
                self.ended(unsent.into_iter().map(|(call, _)| call));
            }
            6 => {}
            _ => {
                self.conversation.close_here();
            }
        }
    }

    /// A box that looks like one of a peer's.
    fn receive_box(&mut self, choices: &mut Choices<'_>) {
        let keys = [
            "_ask",
            "_answer",
            "_error",
            "_command",
            "_error_code",
            "_error_description",
        ];
        let chosen = choices.byte();
        let mut message = AmpBox::new();
        for (bit, key) in keys.iter().enumerate() {
            if chosen & (1 << bit) != 0 {
                // A tag as the conversation makes them: how often its slot was used, and the slot.
                let choice = u32::from(choices.byte());
                let tag = (choice >> 5) << 16 | (choice & 7);
                message.insert(*key, format!("{tag:x}"));
            }
        }
        if let Ok(bytes) = message.to_bytes() {
            self.input.extend_from_slice(&bytes);
        }
        self.receive(choices);
    }

    fn receive(&mut self, choices: &mut Choices<'_>) {
        loop {
            let input = std::mem::take(&mut self.input);
            let received = (self.conversation).receive(&input, &mut self.written, &mut NoContext);
            let Some((length, event)) = received else {
                self.input = input;
                return;
            };
            assert!(length <= input.len() && length > 0, "took {length} bytes");
            let (mut ended, mut boundary) = (Vec::new(), None);
            match event {
                Event::Ask {
                    tag,
                    command,
                    fields,
                } => {
                    let kind = choices.byte();
                    let kind = (kind % 5 < 4).then(|| KINDS[usize::from(kind % 5)]);
                    let accepted = self.conversation.accept(
                        (tag, &command, &fields),
                        kind,
                        |view, _| Ok(view.len()),
                        &mut self.written,
                        &mut NoContext,
                    );
                    match accepted {
                        Ok((ask, _)) => self.asks.push(ask),
                        Err(replied) => boundary = replied.boundary,
                    }
                }
                Event::Answered {
                    data, boundary: b, ..
                } => {
                    ended.push(data);
                    boundary = b;
                }
                Event::Failed {
                    data,
                    unsent,
                    boundary: b,
                    ..
                } => {
                    ended.push(data);
                    ended.extend(unsent.into_iter().map(|(call, _)| call));
                    boundary = b;
                }
                Event::Boundary(b) => boundary = Some(b),
                _ => {}
            }
            self.input = input[length..].to_vec();
            self.ended(ended);
            self.pass(boundary);
        }
    }

    fn call(&mut self, choices: &mut Choices<'_>) {
        let kind = KINDS[usize::from(choices.byte() % 4)];
        let asks = choices.byte() % 4 > 0;
        let length = usize::from(choices.byte());
        let value = choices.bytes(length);
        self.next += 1;
        let call = OwnCall {
            command: Shared::Static(b"Call"),
            kind,
            fields: Box::new(AmpBox::from([(b"value".to_vec(), value.to_vec())])),
            data: asks.then_some(self.next),
        };
        let made = self
            .conversation
            .call(call, &mut self.written, &mut NoContext);
        if let (Ok(id), true) = (made, asks) {
            self.waiting.insert(self.next, id);
        }
    }

    fn abandon(&mut self, choices: &mut Choices<'_>) {
        let number = self.next.wrapping_sub(u32::from(choices.byte()));
        if let Some(Some(id)) = self.waiting.get(&number) {
            match self.conversation.abandon(*id) {
                Some(given_up) => {
                    assert_eq!(given_up, number, "another call");
                    self.waiting.remove(&number);
                }
                None => assert!(
                    self.conversation.is_undecided(),
                    "{number} was not given up"
                ),
            }
        }
    }

    fn reply(&mut self, choices: &mut Choices<'_>) {
        if self.asks.is_empty() {
            return;
        }
        let index = usize::from(choices.byte()) % self.asks.len();
        let ask = self.asks.swap_remove(index);
        let long = "é".repeat(usize::from(choices.byte()) * 300);
        let error = RemoteError::new(choices.bytes(3), long);
        let outcome = match choices.byte() % 4 {
            0 => Outcome::Remote(&error),
            1 => Outcome::Unexpected(&"no"),
            _ => Outcome::Answered(&()),
        };
        let replied = (self.conversation).reply(
            &ask,
            Errors::NONE,
            outcome,
            &mut self.written,
            &mut NoContext,
        );
        self.pass(replied.boundary);
    }

    fn ended(&mut self, calls: impl IntoIterator<Item = u32>) {
        for call in calls {
            let waited = self.waiting.remove(&call);
            assert!(waited.is_some(), "call {call} ended twice");
        }
    }

    fn pass(&mut self, boundary: Option<Boundary>) {
        match boundary {
            Some(Boundary::StartTls) => self.over = true,
            Some(Boundary::Switch) => {
                let calls = self.conversation.switched();
                self.ended(calls);
            }
            Some(Boundary::Close(_)) => self.conversation.stop(),
            None => {}
        }
    }
}
