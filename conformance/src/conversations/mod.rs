//! Transcripts of one side of a connection.

mod echo;
mod ending;
mod output;
mod peer;
mod program;
mod side;

use amp_rpc_core::conversation::Compat;

use self::ending::{End, is_expected};
use self::peer::{Peer, Tags};
use self::side::{Happened, Played, Problem, Side};
use crate::notation::{Cause, ConversationCase, Level, Split, Step, cases};
use crate::report::{FileReport, Verdict};
use crate::rules;
use crate::translate::are_same;

/// Plays one file.
pub fn play(name: &str, text: &[u8]) -> FileReport {
    cases(name, text, judge)
}

/// How a case is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With every switch as in Twisted.
    Twisted,
    /// As a program gets it that sets no switch.
    Default,
}

/// How far a case could be followed.
enum Reached {
    /// To its end.
    End,
    /// To the step where the library's default deviates on purpose.
    Deviation,
    /// To the step where Twisted closes because its program ignored an error.
    Ignored,
}

fn judge(case: &ConversationCase) -> Verdict {
    let mut differences = Vec::new();
    let mut ignored = false;
    for mode in [Mode::Twisted, Mode::Default] {
        for bytewise in [false, true] {
            if bytewise && case.recv_split == Split::Exact {
                continue;
            }
            match play_once(case, mode, bytewise) {
                Ok(Reached::End | Reached::Deviation) => {}
                Ok(Reached::Ignored) => ignored = true,
                Err(Problem::Unknown(what)) => return Verdict::Unknown(what),
                Err(Problem::Differs(what)) => {
                    let pieces = if bytewise { "byte by byte, " } else { "" };
                    differences.push((mode, format!("{mode:?} mode, {pieces}{what}")));
                }
            }
        }
    }
    if differences.is_empty() && !ignored {
        return Verdict::Passed;
    }
    let modes: Vec<Mode> = differences.iter().map(|(mode, _)| *mode).collect();
    match rules::conversation(case, &modes) {
        Some(rule) if case.level != Level::Core => Verdict::Excused(rule.name),
        _ => Verdict::Failed(differences.into_iter().next().map_or_else(
            || "the connection stays when a caller ignores an error".into(),
            |(_, what)| what,
        )),
    }
}

fn play_once(case: &ConversationCase, mode: Mode, bytewise: bool) -> Played<Reached> {
    let compat = match mode {
        Mode::Twisted => Compat::twisted(),
        Mode::Default => Compat::default(),
    };
    let mut side = Side::new(case, compat)?;
    let peer = Peer::new(&case.steps);
    let mut tags = Tags::default();
    for (index, step) in case.steps.iter().enumerate() {
        let at = |what: String| Problem::Differs(format!("step {index}: {what}"));
        let (was_closed, was_tls) = (side.end.is_some(), side.tls);
        if step.unread && !was_closed {
            return Err(at("the connection is still open".into()));
        }
        feed(&mut side, &peer.bytes(index, &tags), bytewise, step)?;
        let happened = side.finish_step()?;
        let end = side
            .end
            .clone()
            .filter(|_| !was_closed && step.lose.is_none());
        if let Some(reached) = deviates(step.close_cause, mode) {
            check_deviation(step, &happened, end.as_ref(), was_tls, &mut tags).map_err(at)?;
            check_past(case, &side, index)?;
            if end.is_none() {
                side.probe().map_err(|problem| match problem {
                    Problem::Differs(what) => at(what),
                    unknown => unknown,
                })?;
            }
            return Ok(reached);
        }
        compare(case, step, &happened, end.as_ref(), was_tls, &mut tags).map_err(at)?;
    }
    check_past(case, &side, case.steps.len())?;
    check_end(case, &side)?;
    Ok(Reached::End)
}

fn feed(side: &mut Side, bytes: &[u8], bytewise: bool, step: &Step) -> Played {
    let inputs = [
        step.recv.is_some(),
        step.call.is_some(),
        step.resolve.is_some(),
        step.lose.is_some(),
    ];
    if inputs.iter().filter(|is_there| **is_there).count() != 1 {
        return Err(Problem::Unknown("a step without one input".into()));
    }
    if let Some(call) = &step.call {
        side.call(call)?;
    }
    if let Some(resolve) = &step.resolve {
        side.resolve(resolve.n, &resolve.with)?;
    }
    if let Some(loss) = step.lose {
        side.lose(loss)?;
    }
    let length = if bytewise { 1 } else { bytes.len().max(1) };
    bytes
        .chunks(length)
        .try_for_each(|piece| side.receive(piece))
}

/// Whether the library does something else on purpose when Twisted closes for this cause.
fn deviates(cause: Option<Cause>, mode: Mode) -> Option<Reached> {
    match (cause?, mode) {
        (Cause::CallerDidNotHandle, _) => Some(Reached::Ignored),
        (
            Cause::UnknownError
            | Cause::FailureWithoutAsk
            | Cause::UnknownTag
            | Cause::IncompleteErrorBox
            | Cause::AnswerTooLong
            | Cause::CommandNameNotAscii,
            Mode::Default,
        ) => Some(Reached::Deviation),
        _ => None,
    }
}

/// Where the library stays open, what it writes begins with what Twisted wrote. Where Twisted wrote no
/// answer at all, any boxes are right.
fn check_deviation(
    step: &Step,
    happened: &Happened,
    end: Option<&End>,
    was_tls: bool,
    tags: &mut Tags,
) -> Result<(), String> {
    match end.map(End::cause) {
        None => {}
        // A fatal error closes in either mode, whether or not it can be told to the peer.
        Some(Some(Cause::FatalError)) if step.close_cause == Some(Cause::FailureWithoutAsk) => {}
        Some(cause) => return Err(format!("closed because of {cause:?}")),
    }
    let writes_none = [Cause::AnswerTooLong, Cause::CommandNameNotAscii];
    if step
        .close_cause
        .is_some_and(|cause| writes_none.contains(&cause))
    {
        return output::boxes(&happened.plain.boxes)
            .map(|_| ())
            .map_err(|why| why.to_string());
    }
    compare_output(step, happened, true, was_tls, tags)
}

/// Compares what was written, in plain text and over TLS.
fn compare_output(
    step: &Step,
    happened: &Happened,
    free_description: bool,
    was_tls: bool,
    tags: &mut Tags,
) -> Result<(), String> {
    let (plain, tls) = if was_tls {
        // TLS began in an earlier step: wherever the output stands, it is over TLS.
        (
            Vec::new(),
            [&step.output.0[..], &step.output_tls.0].concat(),
        )
    } else {
        (step.output.0.clone(), step.output_tls.0.clone())
    };
    output::compare(&plain, &happened.plain, free_description, tags)?;
    output::compare(&tls, &happened.tls, free_description, tags)
        .map_err(|why| format!("in TLS: {why}"))
}

fn compare(
    case: &ConversationCase,
    step: &Step,
    happened: &Happened,
    end: Option<&End>,
    was_tls: bool,
    tags: &mut Tags,
) -> Result<(), String> {
    let free = case.free_description;
    let is_silent = happened.plain.boxes.is_empty() && happened.tls.boxes.is_empty();
    // Behind the end of the transport a recorder may still see what no peer can.
    let is_lost = is_silent && (step.output_may_be_lost || step.lose.is_some());
    let (plain, tls) = if was_tls {
        // TLS began in an earlier step: wherever the output stands, it is over TLS.
        (
            Vec::new(),
            [&step.output.0[..], &step.output_tls.0].concat(),
        )
    } else {
        (step.output.0.clone(), step.output_tls.0.clone())
    };
    if !is_lost {
        output::compare(&plain, &happened.plain, free, tags)?;
        output::compare(&tls, &happened.tls, free, tags).map_err(|why| format!("in TLS: {why}"))?;
    }
    let mut wanted = step.events.clone();
    let mut got = happened.events.clone();
    wanted.sort_by_key(|event| *event as u8);
    got.sort_by_key(|event| *event as u8);
    if wanted != got {
        return Err(format!("events {got:?} instead of {wanted:?}"));
    }
    if step.closes != end.is_some() {
        return Err(match end {
            Some(end) => format!("closed: {end:?}"),
            None => "still open".into(),
        });
    }
    if let (Some(wanted), Some(end)) = (step.close_cause, end) {
        if end.cause() != Some(wanted) {
            return Err(format!("closed because of {end:?} instead of {wanted:?}"));
        }
    }
    Ok(())
}

/// Compares what responders were given and how calls ended, as far as that was before a step.
fn check_past(case: &ConversationCase, side: &Side, before: usize) -> Played {
    let differs = |what: String| Err(Problem::Differs(what));
    let wanted: Vec<_> = case.seen.iter().filter(|seen| seen.step < before).collect();
    let got: Vec<_> = side
        .seen
        .iter()
        .filter(|(.., step)| *step < before)
        .collect();
    for (index, wanted) in wanted.iter().enumerate() {
        let same = got.get(index).is_some_and(|(command, arguments, step)| {
            *command == wanted.command.0
                && *step == wanted.step
                && are_same(&wanted.arguments, arguments)
        });
        if !same {
            let got = got.get(index);
            return differs(format!("a responder saw {got:?} instead of {wanted:?}"));
        }
    }
    if got.len() > wanted.len() {
        return differs(format!("a responder also saw {:?}", got[wanted.len()]));
    }
    for (id, outcome, step) in &side.outcomes {
        if *step < before && case.calls.get(id).is_none() {
            return differs(format!("the call {id} ended with {outcome:?}"));
        }
    }
    for (id, wanted) in case.calls.iter() {
        let mut outcomes = side.outcomes.iter();
        let got = outcomes
            .find(|(known, _, step)| known == id && *step < before)
            .map(|(_, outcome, step)| (outcome.clone(), *step));
        let is_due = before == case.steps.len() || wanted.step().is_some_and(|at| at < before);
        if is_due && !is_expected(wanted, got.as_ref()) {
            return differs(format!(
                "the call {id} ended with {got:?} instead of {wanted:?}"
            ));
        }
    }
    Ok(())
}

fn check_end(case: &ConversationCase, side: &Side) -> Played {
    let differs = |what: String| Err(Problem::Differs(what));
    if case.closed != side.end.is_some() {
        return differs(format!("closed at the end: {}", side.end.is_some()));
    }
    let class = side.end.as_ref().map(End::class);
    if case.end_reason.as_deref() != class {
        let wanted = &case.end_reason;
        return differs(format!("ended with {class:?} instead of {wanted:?}"));
    }
    let wanted = case.inner_received.as_ref().map_or(&[][..], |hex| &hex.0);
    let got = side.inner.as_ref().map_or(&[][..], |inner| &inner.received);
    if wanted != got {
        let (got, wanted) = (got.escape_ascii(), wanted.escape_ascii());
        return differs(format!(
            "the other protocol got \"{got}\" instead of \"{wanted}\""
        ));
    }
    Ok(())
}
