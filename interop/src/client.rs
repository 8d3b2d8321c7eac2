//! `interop_client`: calls the commands of the contract in COMMANDS.md as its standard input says.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use amp_rpc::schema::CommandSchema;
use amp_rpc::{
    Amp, Answer, CallError, Command as _, CommandError, Compat, Peer, Responders, StartTls,
    TellError, Tls, Trust,
};
use interop::commands::{Ping, Switch, schema};
use interop::json::{latin1, read_fields, write_fields};
use interop::lines::Lines;
use serde_json::{Map, Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const USAGE: &str = "usage: interop_client [--native] [--tls-ca FILE] HOST PORT";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop_client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut compat = Compat::twisted();
    let mut tls = None;
    let mut place = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--native" => compat = Compat::default(),
            "--tls-ca" => {
                let authorities = Trust::authorities_from_pem_file(arguments.next().ok_or(USAGE)?)?;
                tls = Some(Tls::new().trust(authorities).server_name("localhost"));
            }
            _ => place.push(argument),
        }
    }
    let [host, port] = &place[..] else {
        return Err(USAGE.into());
    };
    let amp = Amp::new()
        .compat(compat)
        .locator(Responders::new().on(ping));
    let host = host.replace(':', "\\:");
    let peer = amp.connect(&format!("tcp:{host}:{port}")).await?;
    let client = Client {
        peer,
        tls,
        lines: Arc::default(),
        output: Arc::default(),
    };
    let mut lines = read_lines();
    let mut under_way = JoinSet::new();
    while let Some(line) = lines.recv().await {
        client.begin(&line?, &mut under_way)?;
    }
    client.peer.close();
    while under_way.join_next().await.transpose()?.is_some() {}
    Ok(())
}

async fn ping(command: Ping) -> Answer<Ping> {
    Ok(command)
}

/// The lines of standard input, read by a thread: a terminal or pipe cannot be polled everywhere.
fn read_lines() -> mpsc::UnboundedReceiver<std::io::Result<String>> {
    let (to, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if to.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

struct Client {
    peer: Peer,
    /// How to do TLS.
    tls: Option<Tls>,
    /// The protocol behind a switch.
    lines: Arc<OnceLock<Lines>>,
    /// One line at a time.
    output: Arc<Mutex<()>>,
}

impl Client {
    /// Begins what one line of the input asks for. Boxes leave in the order of the lines.
    fn begin(&self, line: &str, under_way: &mut JoinSet<()>) -> Result<(), Box<dyn Error>> {
        let line: Map<String, Json> = serde_json::from_str(line)?;
        let id = line.get("id").cloned().unwrap_or(Json::Null);
        let output = Arc::clone(&self.output);
        let report = move |result: Result<Json, Json>| {
            let _one = output.lock().unwrap_or_else(PoisonError::into_inner);
            let line = match result {
                Ok(fields) => json!({"id": id, "ok": fields}),
                Err(error) => json!({"id": id, "error": error}),
            };
            let mut out = std::io::stdout();
            // When nobody reads the output any more, there is nobody to tell.
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        };
        if line.contains_key("wait_closed") {
            let (peer, lines) = (self.peer.clone(), Arc::clone(&self.lines));
            under_way.spawn(async move {
                peer.closed().await;
                if let Some(mut lines) = lines.get().cloned() {
                    lines.closed().await;
                }
                report(Ok(json!({})));
            });
            return Ok(());
        }
        if line.contains_key("starttls") {
            let Some(tls) = self.tls.clone() else {
                report(Err(local("started without --tls-ca")));
                return Ok(());
            };
            self.peer.set_tls(tls);
            let starting = self.peer.call(StartTls {}).start().owned();
            under_way.spawn(async move {
                let started = starting.await.map(|()| json!({}));
                report(started.map_err(|error| call_error(StartTls::SCHEMA, error)));
            });
            return Ok(());
        }
        if let Some(name) = line.get("switch") {
            let name = name.as_str().unwrap_or_default().to_owned();
            let switching = self.peer.switch(Switch { name }).start().owned();
            let lines = Arc::clone(&self.lines);
            under_way.spawn(async move {
                let switched = switching.await.map(|((), stream)| {
                    // A connection is switched once.
                    let _ = lines.set(Lines::start(stream));
                    json!({})
                });
                report(switched.map_err(|error| call_error(Switch::SCHEMA, error)));
            });
            return Ok(());
        }
        if let Some(text) = line.get("line") {
            let Some(lines) = self.lines.get() else {
                report(Err(local("the protocol was not switched")));
                return Ok(());
            };
            let text = text.as_str().unwrap_or_default().to_owned();
            let answered = move |line: Option<String>| {
                report(match line {
                    Some(line) => Ok(json!({"line": line})),
                    None => Err(lost("the connection has ended")),
                });
            };
            lines.send(text, Box::new(answered));
            return Ok(());
        }
        let (name, asks) = match (line.get("call"), line.get("send")) {
            (Some(name), _) => (name, true),
            (None, Some(name)) => (name, false),
            (None, None) => {
                report(Err(local("this program cannot do that")));
                return Ok(());
            }
        };
        let name = name.as_str().unwrap_or_default();
        let Some(schema) = schema(name) else {
            report(Err(local("the contract has no such command")));
            return Ok(());
        };
        let none = Map::new();
        let arguments = line.get("args").and_then(Json::as_object).unwrap_or(&none);
        let arguments = match read_fields(&schema.arguments, arguments) {
            Ok(arguments) => arguments,
            Err(why) => {
                report(Err(local(&why)));
                return Ok(());
            }
        };
        if asks {
            let call = self.peer.call_dynamic(schema, arguments).start().owned();
            under_way.spawn(async move {
                let answer = call.await.map(|values| Json::Object(write_fields(values)));
                report(answer.map_err(|error| call_error(schema, error)));
            });
        } else {
            let tell = self.peer.tell_dynamic(schema, arguments).start().owned();
            under_way.spawn(async move {
                report(tell.await.map(|()| json!({})).map_err(tell_error));
            });
        }
        Ok(())
    }
}

fn local(why: &str) -> Json {
    json!({"kind": "local", "description": why})
}

fn lost(why: &str) -> Json {
    json!({"kind": "lost", "description": why})
}

fn call_error<E: CommandError>(schema: &CommandSchema, error: CallError<E>) -> Json {
    let with_code = |kind: &str, code: &[u8], description: &str| json!({"kind": kind, "code": latin1(code), "description": description});
    match error {
        CallError::Declared { error, description } => {
            with_code("declared", &error.schema().code, &description)
        }
        CallError::Remote(error) => {
            let declared = schema.errors.by_code(&error.code).is_some();
            let kind = if declared { "declared" } else { "unknown" };
            with_code(kind, &error.code, &error.description)
        }
        CallError::Unhandled { description, .. } => {
            with_code("unhandled", b"UNHANDLED", &description)
        }
        CallError::BadAnswer(error) => {
            json!({"kind": "bad_answer", "description": error.to_string()})
        }
        CallError::Local(error) => local(&error.to_string()),
        CallError::Ended(reason) => lost(&reason.to_string()),
        other => json!({"kind": "unknown", "code": "", "description": other.to_string()}),
    }
}

fn tell_error(error: TellError) -> Json {
    match error {
        TellError::Local(error) => local(&error.to_string()),
        other => lost(&other.to_string()),
    }
}
