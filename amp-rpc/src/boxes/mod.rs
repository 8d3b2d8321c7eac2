//! The level below commands: boxes as they come.

mod carrier;
mod connection;
mod log;
mod receiver;
mod sender;
mod stream;

pub(crate) use carrier::Carrier;
pub use receiver::BoxReceiver;
pub(crate) use receiver::run;
pub use sender::{BoxSender, SendBoxError};
pub use stream::Boxes;
