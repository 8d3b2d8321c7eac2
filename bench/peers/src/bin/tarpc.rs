//! tarpc with bincode over TCP, as in its documentation, with `serde_bytes` for data.

use bench_peers::{Caller, Error, Peer};
use bytes::Bytes;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tarpc::server::{BaseChannel, Channel as _};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context};
use tokio::task::JoinHandle;

/// Each command that adds many numbers takes a struct with a field for each: as many separate integers as the other programs have
/// arguments, where a `Vec` would be one. It is boxed: tarpc moves requests through channels in an enum, which would otherwise take 1,600
/// bytes for every call, and slow the small ones down.
macro_rules! declare {
    ($($command:ident $answer:ident [$($argument:ident)*])*) => {
        $(
            /// Many numbers.
            #[derive(Debug, Serialize, Deserialize)]
            pub(crate) struct $command {
                $($argument: i64),*
            }
        )*

        #[tarpc::service]
        trait Adder {
            async fn sum(a: i64, b: i64) -> i64;
            async fn echo(data: ByteBuf) -> ByteBuf;
            $(async fn $answer(numbers: Box<$command>) -> i64;)*
        }

        impl Adder for Server {
            async fn sum(self, _: context::Context, a: i64, b: i64) -> i64 {
                a + b
            }

            async fn echo(self, _: context::Context, data: ByteBuf) -> ByteBuf {
                data
            }

            $(
                async fn $answer(self, _: context::Context, numbers: Box<$command>) -> i64 {
                    [$(numbers.$argument),*].iter().sum()
                }
            )*
        }

        async fn add(client: &AdderClient, numbers: &[i64]) -> Result<i64, Error> {
            let context = context::current();
            match *numbers {
                $([$($argument),*] => {
                    let numbers = Box::new($command { $($argument),* });
                    Ok(client.$answer(context, numbers).await?)
                })*
                _ => Err("no command has so many arguments".into()),
            }
        }
    };
}
bench_peers::with_commands!(declare);

#[derive(Clone)]
struct Server;

#[derive(Clone)]
struct Tarpc(AdderClient);

impl Peer for Tarpc {
    type Data = ByteBuf;

    async fn serve() -> Result<(), Error> {
        let mut listener =
            tarpc::serde_transport::tcp::listen(("127.0.0.1", 0), Bincode::default).await?;
        bench_peers::listening(listener.local_addr().port());
        while let Some(transport) = listener.next().await {
            let transport = transport?;
            transport.get_ref().set_nodelay(true)?;
            let channel = BaseChannel::with_defaults(transport);
            tokio::spawn(channel.execute(Server.serve()).for_each(|response| async {
                tokio::spawn(response);
            }));
        }
        Ok(())
    }

    async fn connect(port: u16) -> Result<Self, Error> {
        let transport =
            tarpc::serde_transport::tcp::connect(("127.0.0.1", port), Bincode::default).await?;
        transport.get_ref().set_nodelay(true)?;
        let mut config = client::Config::default();
        config.max_in_flight_requests = 1 << 16;
        config.pending_request_buffer = 1 << 12;
        Ok(Self(AdderClient::new(config, transport).spawn()))
    }

    async fn sum(&self, a: i64, b: i64) -> Result<i64, Error> {
        Ok(self.0.sum(context::current(), a, b).await?)
    }

    async fn echo(&self, data: Bytes) -> Result<ByteBuf, Error> {
        let data = ByteBuf::from(Vec::from(data));
        Ok(self.0.echo(context::current(), data).await?)
    }

    async fn add(&self, numbers: &[i64]) -> Result<i64, Error> {
        add(&self.0, numbers).await
    }

    fn spawn(self, caller: Caller) -> JoinHandle<Result<Caller, Error>> {
        tokio::spawn(caller.run(self))
    }
}

fn main() -> Result<(), Error> {
    bench_peers::run::<Tarpc>()
}
