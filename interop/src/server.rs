//! `interop_server`: serves the commands of the contract in COMMANDS.md.

use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use amp_rpc::{Amp, Answer, Compat, Failure, Identity, Peer, Responders, SwitchedStream, Tls};
use interop::commands::{
    BigEcho, CallMe, CallMeError, Delay, Divide, DivideError, EchoTypes, Fail, FailError, Notified,
    Notify, Ping, Quotient, Sum, Switch, SwitchError, Texts, Total,
};
use num_bigint::BigInt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

const USAGE: &str = "usage: interop_server [--native] [--tls-cert FILE --tls-key FILE] PORT";

/// The longest line that is echoed; a peer that sends a longer one is no peer of this protocol.
const LONGEST_LINE: u64 = 1024 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    match serve(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut compat = Compat::twisted();
    let (mut certificate, mut key) = (None, None);
    let mut port = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--native" => compat = Compat::default(),
            "--tls-cert" => certificate = Some(arguments.next().ok_or(USAGE)?),
            "--tls-key" => key = Some(arguments.next().ok_or(USAGE)?),
            digits => port = Some(digits.parse::<u16>().map_err(|_| USAGE)?),
        }
    }
    let port = port.ok_or(USAGE)?;
    let mut amp = Amp::new().compat(compat).locator_for_each(|_| session());
    amp = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            amp.tls(Tls::new().identity(Identity::from_pem_files(certificate, key)?))
        }
        (None, None) => amp,
        _ => return Err(USAGE.into()),
    };
    let server = amp
        .listen(&format!("tcp:{port}:interface=127.0.0.1"))
        .await?;
    let endpoint = server.endpoint().to_string();
    let port = endpoint.rsplit(':').next().unwrap_or_default();
    println!("listening {port}");
    server.run().await;
    Ok(())
}

/// What the server keeps for one connection.
#[derive(Default)]
struct Session {
    texts: Mutex<Vec<String>>,
}

fn session() -> Responders<Arc<Session>> {
    Responders::with_state(Session::default())
        .on(Session::sum)
        .on(Session::divide)
        .on(Session::echo_types)
        .on(Session::delay)
        .on(Session::fail)
        .on(Session::notify)
        .on(Session::notified)
        .on_with_peer(Session::call_me)
        .on(Session::ping)
        .on(Session::big_echo)
        .on_with_peer(Session::switch)
}

impl Session {
    async fn sum(self: Arc<Self>, command: Sum) -> Answer<Sum> {
        let total = command.a + command.b;
        Ok(Total { total })
    }

    async fn divide(self: Arc<Self>, command: Divide) -> Answer<Divide> {
        if command.denominator == BigInt::ZERO {
            return Err(DivideError::ZeroDivision.into());
        }
        let float = |number: &BigInt| number.to_string().parse::<f64>();
        let numerator = float(&command.numerator).map_err(Failure::unexpected)?;
        let denominator = float(&command.denominator).map_err(Failure::unexpected)?;
        let result = numerator / denominator;
        Ok(Quotient { result })
    }

    async fn echo_types(self: Arc<Self>, command: EchoTypes) -> Answer<EchoTypes> {
        Ok(command)
    }

    async fn delay(self: Arc<Self>, command: Delay) -> Answer<Delay> {
        // Negative times and those that are no numbers are none.
        if command.seconds > 0.0 {
            let time = Duration::try_from_secs_f64(command.seconds).unwrap_or(Duration::MAX);
            tokio::time::sleep(time).await;
        }
        Ok(())
    }

    async fn fail(self: Arc<Self>, command: Fail) -> Answer<Fail> {
        let message = command.message.unwrap_or_else(|| "failed".to_owned());
        match command.kind.as_str() {
            "declared" => Err(FailError::Declared(message).into()),
            "fatal" => Err(FailError::Fatal(message).into()),
            "undeclared" => Err(Failure::unexpected(message)),
            _ => Ok(()),
        }
    }

    async fn notify(self: Arc<Self>, command: Notify) -> Answer<Notify> {
        self.texts().push(command.text);
        Ok(())
    }

    async fn notified(self: Arc<Self>, _: Notified) -> Answer<Notified> {
        let texts = self.texts().clone();
        Ok(Texts { texts })
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call_me(self: Arc<Self>, command: CallMe, peer: Peer) -> Answer<CallMe> {
        let (mut total, mut n) = (BigInt::ZERO, BigInt::ZERO);
        while n < command.times {
            n += 1;
            let ping = Ping { n: n.clone() };
            let answer = peer.call(ping).await;
            total += answer.map_err(|_| CallMeError::PingFailed)?.n;
        }
        Ok(Total { total })
    }

    async fn ping(self: Arc<Self>, command: Ping) -> Answer<Ping> {
        Ok(command)
    }

    async fn big_echo(self: Arc<Self>, command: BigEcho) -> Answer<BigEcho> {
        Ok(command)
    }

    async fn switch(self: Arc<Self>, command: Switch, peer: Peer) -> Answer<Switch> {
        if command.name != "echo" {
            return Err(SwitchError::NoSuchProtocol.into());
        }
        peer.on_switch(async |stream| {
            // When it fails, the peer is gone, and there is nobody to tell.
            let _ = echo_lines(stream).await;
        });
        Ok(())
    }
}

/// The line protocol behind `Switch`.
async fn echo_lines(stream: SwitchedStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stream)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if read == 0 || line.pop() != Some(b'\n') {
            return Ok(());
        }
        let echo = [b"echo:", &line[..], b"\n"].concat();
        stream.write_all(&echo).await?;
        stream.flush().await?;
        if line == b"bye" {
            return stream.shutdown().await;
        }
    }
}
