//! Stories of two conversations that are wired together in memory.

use amp_rpc_core::conversation::{
    Ask, AskRefused, Asking, Boundary, CloseReason, Compat, Conversation, Effect, Event, Head,
    Outcome, OwnCall, Received,
};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{Limits, parse};
use amp_rpc_core::{AmpBox, NoContext, RemoteError, Shared};

/// One side, which remembers what happened to it.
struct Side {
    conversation: Conversation<&'static str>,
    input: Vec<u8>,
    out: Vec<u8>,
    asks: Vec<(String, Ask)>,
    ended: Vec<String>,
    boundary: Option<Boundary>,
}

fn side(compat: Compat) -> Side {
    Side {
        conversation: Conversation::new(compat, Limits::default()),
        input: Vec::new(),
        out: Vec::new(),
        asks: Vec::new(),
        ended: Vec::new(),
        boundary: None,
    }
}

fn two() -> (Side, Side) {
    (side(Compat::default()), side(Compat::default()))
}

impl Side {
    fn call_kind(&mut self, name: &'static str, kind: CommandKind) -> Result<(), AskRefused> {
        let call = OwnCall {
            command: Shared::Static(name.as_bytes()),
            kind,
            fields: Box::new(AmpBox::new()),
            data: Some(name),
        };
        let made = self.conversation.call(call, &mut self.out, &mut NoContext);
        made.map(|_| ()).map_err(|(_, why)| why)
    }

    fn call(&mut self, name: &'static str) {
        self.call_kind(name, CommandKind::Plain).unwrap();
    }

    fn tell(&mut self, name: &'static str) {
        let call = OwnCall {
            command: Shared::Static(name.as_bytes()),
            kind: CommandKind::Plain,
            fields: Box::new(AmpBox::new()),
            data: None,
        };
        let told = self.conversation.call(call, &mut self.out, &mut NoContext);
        assert!(matches!(told, Ok(None)));
    }

    /// Answers the ask with this name.
    fn reply(&mut self, name: &str, outcome: Outcome<'_>) {
        let at = self
            .asks
            .iter()
            .position(|(known, _)| known == name)
            .unwrap();
        let (_, ask) = self.asks.remove(at);
        let (errors, out) = (Errors::NONE, &mut self.out);
        let replied = (self.conversation).reply(&ask, errors, outcome, out, &mut NoContext);
        self.boundary = self.boundary.take().or(replied.boundary);
    }

    fn answer(&mut self, name: &str) {
        self.reply(name, Outcome::Answered(&()));
    }

    fn refuse(&mut self, name: &str) {
        self.reply(name, Outcome::Remote(&RemoteError::new("NO", "no")));
    }

    /// Takes all boxes that it will take.
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
                    let name = String::from_utf8(command.to_vec()).unwrap();
                    let kind = match name.as_str() {
                        "StartTLS" => CommandKind::StartTls,
                        "Switch" => CommandKind::ProtocolSwitch,
                        "Bye" => CommandKind::ClosesAfterAnswer,
                        _ => CommandKind::Plain,
                    };
                    let known = (name != "Unknown").then_some(kind);
                    let event = (tag, &command[..], &fields);
                    let out = &mut self.out;
                    let accepted = (self.conversation).accept(
                        event,
                        known,
                        |_, _| Ok(()),
                        out,
                        &mut NoContext,
                    );
                    match accepted {
                        Ok((ask, ())) => self.asks.push((name, ask)),
                        Err(replied) => self.boundary = replied.boundary,
                    }
                }
                Event::Answered { data, boundary, .. } => {
                    self.ended.push(format!("{data}: answered"));
                    self.boundary = boundary;
                }
                Event::Failed {
                    data,
                    error,
                    unsent,
                    boundary,
                } => {
                    let code = error.map(|error| String::from_utf8(error.code).unwrap());
                    self.ended.push(format!("{data}: {code:?}"));
                    let unsent = unsent.iter().map(|(call, why)| format!("{call}: {why:?}"));
                    self.ended.extend(unsent);
                    self.boundary = boundary;
                }
                Event::Boundary(boundary) => self.boundary = Some(boundary),
                Event::Ignored => self.ended.push("ignored".into()),
                other => panic!("{other:?}"),
            }
            self.input = input[length..].to_vec();
        }
    }

    fn asked(&self) -> Vec<&str> {
        self.asks.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The values of `_error_code` and `_error_description` of what it has written.
    fn written(&self) -> Vec<AmpBox> {
        parse(&self.out)
            .map(|view| view.unwrap().to_owned())
            .collect()
    }
}

/// Carries bytes to and fro until there are none.
fn drive(one: &mut Side, other: &mut Side) {
    while !one.out.is_empty() || !other.out.is_empty() {
        other.receive(&std::mem::take(&mut one.out));
        one.receive(&std::mem::take(&mut other.out));
    }
}

#[test]
fn both_sides_call_and_answers_come_in_any_order() {
    let (mut one, mut other) = two();
    one.call("A");
    one.call("B");
    other.call("C");
    drive(&mut one, &mut other);
    assert_eq!(other.asked(), ["A", "B"]);
    other.answer("B");
    one.answer("C");
    drive(&mut one, &mut other);
    other.refuse("A");
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["B: answered", "A: Some(\"NO\")"]);
    assert_eq!(other.ended, ["C: answered"]);
}

#[test]
fn a_tell_is_carried_out_and_not_answered() {
    let (mut one, mut other) = two();
    one.tell("A");
    drive(&mut one, &mut other);
    other.answer("A");
    assert!(other.out.is_empty());
}

#[test]
fn an_unknown_command_is_unhandled() {
    let (mut one, mut other) = two();
    one.call("Unknown");
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["Unknown: Some(\"UNHANDLED\")"]);
    one.tell("Unknown");
    drive(&mut one, &mut other);
    assert_eq!(other.boundary, None);
}

#[test]
fn a_fatal_error_closes_behind_its_answer() {
    let (mut one, mut other) = two();
    one.call("A");
    one.call("B");
    drive(&mut one, &mut other);
    other.reply("A", Outcome::Remote(&RemoteError::new("F", "over").fatal()));
    let code = b"F".to_vec();
    assert_eq!(
        other.boundary,
        Some(Boundary::Close(CloseReason::FatalError { code }))
    );
    other.answer("B");
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["A: Some(\"F\")"]);
    assert_eq!(one.conversation.end(), ["B"]);
}

#[test]
fn a_closing_answer_closes_only_who_asked() {
    let (mut one, mut other) = two();
    one.tell("Bye");
    drive(&mut one, &mut other);
    other.answer("Bye");
    assert_eq!(other.boundary, None);
    one.call("Bye");
    drive(&mut one, &mut other);
    other.answer("Bye");
    assert_eq!(
        other.boundary,
        Some(Boundary::Close(CloseReason::ClosingAnswer))
    );
}

#[test]
fn a_description_is_cut_between_characters() {
    let (mut one, mut other) = two();
    one.call("A");
    drive(&mut one, &mut other);
    let long = "é".repeat(40_000);
    other.reply("A", Outcome::Remote(&RemoteError::new("LONG", long)));
    let boxes = other.written();
    let description = boxes[0].get("_error_description").unwrap();
    assert_eq!(description.len(), 65_534);
    assert!(std::str::from_utf8(description).is_ok());
}

#[test]
fn a_code_that_is_too_long_becomes_unknown() {
    let (mut one, mut other) = two();
    one.call("A");
    drive(&mut one, &mut other);
    let error = RemoteError::new("C".repeat(65_536), "");
    other.reply("A", Outcome::Remote(&error));
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["A: Some(\"UNKNOWN\")"]);
}

#[test]
fn an_answer_with_an_unknown_tag_is_ignored_or_closes() {
    let answer = AmpBox::from([("_answer", "77")]).to_bytes().unwrap();
    let mut ours = side(Compat::default());
    ours.receive(&answer);
    assert_eq!(
        (ours.ended, ours.boundary),
        (vec!["ignored".to_owned()], None)
    );
    let mut twisted = side(Compat::twisted());
    twisted.receive(&answer);
    assert_eq!(
        twisted.boundary,
        Some(Boundary::Close(CloseReason::UnknownTag))
    );
}

#[test]
fn while_this_side_asks_for_tls_calls_wait_and_answers_are_held() {
    let (mut one, mut other) = two();
    other.call("C");
    drive(&mut one, &mut other);
    one.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    let ask = std::mem::take(&mut one.out);
    one.call("A");
    one.answer("C");
    assert!(one.out.is_empty(), "something was written behind the ask");
    other.receive(&ask);
    other.answer("StartTLS");
    assert_eq!(other.boundary, Some(Boundary::StartTls));
    one.receive(&std::mem::take(&mut other.out));
    assert_eq!(one.boundary, Some(Boundary::StartTls));
    assert!(one.out.is_empty(), "something was written in plain text");
    let unsent = one.conversation.tls_began(&mut one.out, &mut NoContext);
    assert!(unsent.is_empty());
    let unsent = other.conversation.tls_began(&mut other.out, &mut NoContext);
    assert!(unsent.is_empty());
    drive(&mut one, &mut other);
    assert_eq!(other.ended, ["C: answered"]);
    assert_eq!(other.asked(), ["A"]);
    let again = one.call_kind("StartTLS", CommandKind::StartTls);
    assert_eq!(again, Err(AskRefused::TlsAlready));
}

#[test]
fn calls_that_waited_for_tls_fail_when_it_is_refused_and_later_ones_work() {
    let (mut one, mut other) = two();
    one.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    one.call("A");
    drive(&mut one, &mut other);
    other.refuse("StartTLS");
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["StartTLS: Some(\"NO\")", "A: TlsRefused"]);
    one.call("B");
    drive(&mut one, &mut other);
    assert_eq!(other.asked(), ["B"]);
}

#[test]
fn calls_that_waited_for_a_switch_are_sent_when_it_is_refused() {
    let (mut one, mut other) = two();
    one.call_kind("Switch", CommandKind::ProtocolSwitch)
        .unwrap();
    one.call("A");
    drive(&mut one, &mut other);
    assert_eq!(other.asked(), ["Switch"]);
    other.refuse("Switch");
    drive(&mut one, &mut other);
    assert_eq!(other.asked(), ["A"]);
}

#[test]
fn plain_boxes_behind_the_peers_start_tls_are_never_carried_out() {
    for compat in [Compat::default(), Compat::twisted()] {
        let mut victim = side(compat);
        let ask = |name: &str| {
            let pairs = [("_ask", "1"), ("_command", name)];
            AmpBox::from(pairs).to_bytes().unwrap()
        };
        victim.receive(&[ask("StartTLS"), ask("Injected")].concat());
        assert_eq!(victim.asked(), ["StartTLS"]);
        victim.answer("StartTLS");
        assert_eq!(victim.boundary, Some(Boundary::StartTls));
        victim.receive(b"");
        assert!(victim.asked().is_empty());
        assert_eq!(victim.input, ask("Injected"), "the bytes are TLS's");
    }
}

#[test]
fn boxes_behind_a_refused_start_tls_are_boxes() {
    let (mut one, mut other) = two();
    one.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    let ask = AmpBox::from([("_ask", "9"), ("_command", "A")])
        .to_bytes()
        .unwrap();
    one.out.extend_from_slice(&ask);
    drive(&mut one, &mut other);
    other.refuse("StartTLS");
    other.receive(b"");
    assert_eq!(other.asked(), ["A"]);
}

#[test]
fn bytes_behind_a_switch_belong_to_the_other_protocol() {
    let (mut one, mut other) = two();
    one.call_kind("Switch", CommandKind::ProtocolSwitch)
        .unwrap();
    one.out.extend_from_slice(b"hello\n");
    drive(&mut one, &mut other);
    other.answer("Switch");
    assert_eq!(other.boundary, Some(Boundary::Switch));
    assert_eq!(other.input, b"hello\n");
    other.out.extend_from_slice(b"welcome\n");
    one.receive(&std::mem::take(&mut other.out));
    assert_eq!(one.boundary, Some(Boundary::Switch));
    assert_eq!(one.input, b"welcome\n");
}

#[test]
fn a_box_without_protocol_keys_closes() {
    let mut one = side(Compat::default());
    one.receive(&AmpBox::from([("a", "b")]).to_bytes().unwrap());
    assert_eq!(
        one.boundary,
        Some(Boundary::Close(CloseReason::NoProtocolKeys))
    );
    assert!(!one.conversation.is_reading());
}

#[test]
fn a_failure_of_another_ask_does_not_let_boxes_behind_start_tls_in() {
    let mut victim = side(Compat::default());
    let ask = |tag: &str, name: &str| {
        let pairs = [("_ask", tag), ("_command", name)];
        AmpBox::from(pairs).to_bytes().unwrap()
    };
    victim.receive(&[ask("1", "Slow"), ask("2", "StartTLS"), ask("3", "Injected")].concat());
    victim.refuse("Slow");
    victim.receive(b"");
    assert_eq!(victim.asked(), ["StartTLS"]);
    assert_eq!(victim.input, ask("3", "Injected"));
}

#[test]
fn answers_behind_a_granted_start_tls_go_into_tls() {
    let (mut one, mut other) = two();
    one.call("Slow");
    one.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    drive(&mut one, &mut other);
    other.answer("StartTLS");
    let plain = std::mem::take(&mut other.out);
    other.answer("Slow");
    assert!(other.out.is_empty(), "it was written in plain text");
    one.receive(&plain);
    for side in [&mut one, &mut other] {
        assert_eq!(side.boundary.take(), Some(Boundary::StartTls));
        let unsent = (side.conversation).tls_began(&mut side.out, &mut NoContext);
        assert!(unsent.is_empty());
    }
    drive(&mut one, &mut other);
    assert_eq!(one.ended, ["StartTLS: answered", "Slow: answered"]);
}

#[test]
fn start_tls_of_both_sides_at_once_is_refused_on_both() {
    let (mut one, mut other) = two();
    one.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    other.call_kind("StartTLS", CommandKind::StartTls).unwrap();
    drive(&mut one, &mut other);
    one.answer("StartTLS");
    other.answer("StartTLS");
    drive(&mut one, &mut other);
    for side in [&mut one, &mut other] {
        assert_eq!(side.ended, ["StartTLS: Some(\"TLS_ERROR\")"]);
        assert_eq!(side.boundary, None);
    }
    one.call("A");
    drive(&mut one, &mut other);
    assert_eq!(other.asked(), ["A"]);
}

#[test]
fn the_answer_of_an_abandoned_call_opens_the_gate_all_the_same() {
    let mut asking = Asking::new(Limits::default());
    let mut out = Vec::new();
    let kind = CommandKind::StartTls;
    let id = asking
        .ask(
            Head::new(b"StartTLS", kind),
            &(),
            |_: &mut Option<()>| {},
            &mut out,
            &mut NoContext,
        )
        .unwrap();
    asking.calls.remove(id);
    let received = asking.received(id.tag().as_bytes(), true, &mut out);
    let effect = Effect::Refused(kind);
    assert_eq!(received, Received::Call { id, effect });
    assert!(asking.is_open());
}
