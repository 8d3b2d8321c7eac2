//! What the compared programs have in common: their command line, and the load that they carry.
//!
//! A program is a file in `src/bin` that implements [`Peer`] for a connection and hands it to [`run`]; those on raw sockets use
//! [`run_raw`]. It has three halves:
//!
//! ```text
//! server [--threads=N]                 serves `sum`, `echo` and, if it has it, `add`, prints `listening PORT`
//! client PORT [--connections=N] …      prints `connected`, calls for a time, prints what a `Report` says
//! idle PORT [--connections=N]          opens connections and keeps them, see `idle`
//! ```

mod call;
mod caller;
mod commands;
mod idle;
mod job;
mod load;
mod numbers;
mod peer;
mod raw;
mod report;
pub mod wire;

pub use call::Call;
pub use caller::Caller;
pub use job::{Job, Side};
pub use load::Load;
pub use peer::Peer;
pub use raw::run_raw;
pub use report::Report;

/// Whatever ends a measurement; it is printed and the program fails.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Does what the command line asks for.
///
/// # Errors
///
/// Mistakes on the command line, and whatever fails on the way.
pub fn run<P: Peer>() -> Result<(), Error> {
    let job = Job::from_command_line()?;
    let runtime = job.runtime()?;
    let work = async {
        match job.side {
            Side::Server => P::serve().await,
            Side::Client { port, load } => {
                println!("{}", load.measure::<P>(port).await?);
                Ok(())
            }
            Side::Idle { port, connections } => idle::keep::<P>(port, connections).await,
        }
    };
    if P::IS_LOCAL {
        return tokio::task::LocalSet::new().block_on(&runtime, work);
    }
    runtime.block_on(work)
}

/// Tells the benchmark that a client has its connections and now begins to call.
pub fn connected() {
    println!("connected");
}

/// Tells the benchmark where the server is.
pub fn listening(port: u16) {
    println!("listening {port}");
}
