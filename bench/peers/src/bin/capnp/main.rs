//! Cap'n Proto's RPC over TCP, set up as in the examples of `capnp-rpc`.

use std::rc::Rc;

use bench_peers::{Caller, Error, Peer};
use bytes::Bytes;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use futures::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use crate::adder_capnp::adder;

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod adder_capnp {
    include!(concat!(env!("OUT_DIR"), "/adder_capnp.rs"));
}

struct Service;

impl adder::Server for Service {
    async fn sum(
        self: Rc<Self>,
        params: adder::SumParams,
        mut results: adder::SumResults,
    ) -> Result<(), capnp::Error> {
        let params = params.get()?;
        results.get().set_total(params.get_a() + params.get_b());
        Ok(())
    }

    async fn echo(
        self: Rc<Self>,
        params: adder::EchoParams,
        mut results: adder::EchoResults,
    ) -> Result<(), capnp::Error> {
        results.get().set_data(params.get()?.get_data()?);
        Ok(())
    }
}

#[derive(Clone)]
struct Capnp(adder::Client);

fn system(
    stream: TcpStream,
    side: Side,
    main: Option<capnp::capability::Client>,
) -> RpcSystem<Side> {
    let (reader, writer) = stream.compat().split();
    let reader = futures::io::BufReader::new(reader);
    let writer = futures::io::BufWriter::new(writer);
    let network = twoparty::VatNetwork::new(reader, writer, side, Default::default());
    RpcSystem::new(Box::new(network), main)
}

impl Peer for Capnp {
    const IS_LOCAL: bool = true;

    type Data = Vec<u8>;

    async fn serve() -> Result<(), Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        bench_peers::listening(listener.local_addr()?.port());
        let main: adder::Client = capnp_rpc::new_client(Service);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let main = main.clone().client;
            tokio::task::spawn_local(system(stream, Side::Server, Some(main)));
        }
    }

    async fn connect(port: u16) -> Result<Self, Error> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut system = system(stream, Side::Client, None);
        let peer = Self(system.bootstrap(Side::Server));
        tokio::task::spawn_local(system);
        Ok(peer)
    }

    async fn sum(&self, a: i64, b: i64) -> Result<i64, Error> {
        let mut request = self.0.sum_request();
        request.get().set_a(a);
        request.get().set_b(b);
        let answer = request.send().promise.await?;
        Ok(answer.get()?.get_total())
    }

    async fn echo(&self, data: Bytes) -> Result<Vec<u8>, Error> {
        let mut request = self.0.echo_request();
        request.get().set_data(&data);
        let answer = request.send().promise.await?;
        Ok(answer.get()?.get_data()?.to_vec())
    }

    fn spawn(self, caller: Caller) -> JoinHandle<Result<Caller, Error>> {
        tokio::task::spawn_local(caller.run(self))
    }
}

fn main() -> Result<(), Error> {
    bench_peers::run::<Capnp>()
}
