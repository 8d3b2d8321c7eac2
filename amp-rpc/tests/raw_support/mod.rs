//! The other end of a connection as bytes.

use amp_rpc::AmpBox;
use amp_rpc::wire::parse;
use tokio::io::{AsyncReadExt, DuplexStream};

/// Reads one box, and nothing of what is behind it.
pub(crate) async fn read_box(stream: &mut DuplexStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        if let Some(Ok(view)) = parse(&bytes).next() {
            return view.to_owned();
        }
        bytes.push(stream.read_u8().await.unwrap());
    }
}
