//! tonic (gRPC) with prost, TCP_NODELAY on both sides as tonic sets it by default.

use bench_peers::{Caller, Error, Peer};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::generated::adder_client::AdderClient;
use crate::generated::adder_server::{Adder, AdderServer};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/bench.Adder.rs"));
}

/// The arguments of `sum`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Sum {
    #[prost(sint64, tag = "1")]
    a: i64,
    #[prost(sint64, tag = "2")]
    b: i64,
}

/// Its answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Total {
    #[prost(sint64, tag = "1")]
    total: i64,
}

/// What `echo` takes and returns, shared instead of copied where prost can.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Data {
    #[prost(bytes = "bytes", tag = "1")]
    data: Bytes,
}

struct Service;

#[tonic::async_trait]
impl Adder for Service {
    async fn sum(&self, request: Request<Sum>) -> Result<Response<Total>, Status> {
        let Sum { a, b } = request.into_inner();
        Ok(Response::new(Total { total: a + b }))
    }

    async fn echo(&self, request: Request<Data>) -> Result<Response<Data>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

#[derive(Clone)]
struct Tonic(AdderClient<Channel>);

impl Peer for Tonic {
    type Data = Bytes;

    async fn serve() -> Result<(), Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        bench_peers::listening(listener.local_addr()?.port());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder().add_service(AdderServer::new(Service));
        Ok(server.serve_with_incoming(incoming).await?)
    }

    async fn connect(port: u16) -> Result<Self, Error> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?;
        Ok(Self(AdderClient::new(endpoint.connect().await?)))
    }

    async fn sum(&self, a: i64, b: i64) -> Result<i64, Error> {
        let answer = self.0.clone().sum(Sum { a, b }).await?;
        Ok(answer.into_inner().total)
    }

    async fn echo(&self, data: Bytes) -> Result<Bytes, Error> {
        let answer = self.0.clone().echo(Data { data }).await?;
        Ok(answer.into_inner().data)
    }

    fn spawn(self, caller: Caller) -> JoinHandle<Result<Caller, Error>> {
        tokio::spawn(caller.run(self))
    }
}

fn main() -> Result<(), Error> {
    bench_peers::run::<Tonic>()
}
