use amp_rpc_core::conversation::{Ask, Compat, Conversation, Event, Outcome, OwnCall};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::Limits;
use amp_rpc_core::{AmpBox, NoContext, Shared};

use crate::Choices;

/// Two conversations against each other, with their bytes cut in any way: every call is answered with
/// its own number.
pub fn two_ends(input: &[u8]) {
    let mut choices = Choices(input);
    let mut ends = [End::new(), End::new()];
    while !choices.is_empty() {
        let operation = choices.byte();
        let which = usize::from(operation & 1);
        match operation >> 1 & 3 {
            0 => ends[which].call(),
            1 => ends[which].answer(choices.byte()),
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
                ends[which].answer(0);
            }
        }
    }
    for end in ends {
        assert_eq!(end.answered, end.called, "calls were not answered");
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
    answered: u32,
}

impl End {
    fn new() -> Self {
        Self {
            conversation: Conversation::new(Compat::twisted(), Limits::default()),
            input: Vec::new(),
            out: Vec::new(),
            asks: Vec::new(),
            called: 0,
            answered: 0,
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
        assert!(matches!(made, Ok(Some(_))), "a call was refused");
        self.called += 1;
    }

    fn answer(&mut self, choice: u8) {
        if self.asks.is_empty() {
            return;
        }
        let index = usize::from(choice) % self.asks.len();
        let (ask, number) = self.asks.swap_remove(index);
        let fields = AmpBox::from([(b"n".to_vec(), number)]);
        let outcome = Outcome::Answered(&fields);
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
                    assert_eq!(
                        &number[..],
                        data.to_string().as_bytes(),
                        "another call's answer"
                    );
                    self.answered += 1;
                }
                other => panic!("{other:?}"),
            }
            self.input = input[length..].to_vec();
        }
    }
}
