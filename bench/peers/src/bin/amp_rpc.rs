//! amp-rpc in its default configuration, with derived commands.

use amp_rpc::{Amp, Answer, Command, Fields, Responders};
use bench_peers::{Caller, Error, Peer};
use bytes::Bytes;
use tokio::task::JoinHandle;

/// Adds two numbers.
#[derive(Debug, Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Debug, Fields)]
struct Total {
    total: i64,
}

/// Returns what it is given.
#[derive(Debug, Command)]
#[amp(response = Echoed)]
struct Echo {
    data: Bytes,
}

#[derive(Debug, Fields)]
struct Echoed {
    data: Bytes,
}

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

async fn echo(command: Echo) -> Answer<Echo> {
    Ok(Echoed { data: command.data })
}

/// The commands that add many numbers: each number is an argument.
macro_rules! declare {
    ($($command:ident $answer:ident [$($argument:ident)*])*) => {
        $(
            /// Adds many numbers.
            #[derive(Debug, Command)]
            #[amp(response = Total)]
            struct $command {
                $($argument: i64),*
            }

            async fn $answer(command: $command) -> Answer<$command> {
                let total = [$(command.$argument),*].iter().sum();
                Ok(Total { total })
            }
        )*

        fn responders() -> Responders {
            Responders::new().on(sum).on(echo)$(.on($answer))*
        }

        async fn add(peer: &amp_rpc::Peer, numbers: &[i64]) -> Result<Total, Error> {
            match *numbers {
                $([$($argument),*] => Ok(peer.call($command { $($argument),* }).await?),)*
                _ => Err("no command has so many arguments".into()),
            }
        }
    };
}
bench_peers::with_commands!(declare);

#[derive(Clone)]
struct AmpRpc(amp_rpc::Peer);

impl Peer for AmpRpc {
    type Data = Bytes;

    async fn serve() -> Result<(), Error> {
        let amp = Amp::new().locator(responders());
        let server = amp.listen("tcp:0:interface=127.0.0.1").await?;
        let endpoint = server.endpoint().to_string();
        let port = endpoint.rsplit(':').next().unwrap_or_default();
        bench_peers::listening(port.parse()?);
        server.run().await;
        Ok(())
    }

    async fn connect(port: u16) -> Result<Self, Error> {
        Ok(Self(
            Amp::new().connect(&format!("tcp:127.0.0.1:{port}")).await?,
        ))
    }

    async fn sum(&self, a: i64, b: i64) -> Result<i64, Error> {
        Ok(self.0.call(Sum { a, b }).await?.total)
    }

    async fn echo(&self, data: Bytes) -> Result<Bytes, Error> {
        Ok(self.0.call(Echo { data }).await?.data)
    }

    async fn add(&self, numbers: &[i64]) -> Result<i64, Error> {
        Ok(add(&self.0, numbers).await?.total)
    }

    fn spawn(self, caller: Caller) -> JoinHandle<Result<Caller, Error>> {
        tokio::spawn(caller.run(self))
    }
}

fn main() -> Result<(), Error> {
    bench_peers::run::<AmpRpc>()
}
