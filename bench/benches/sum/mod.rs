//! The command that is measured.

use amp_rpc::{Answer, Command, Fields};

#[derive(Debug, Command)]
#[amp(response = Total)]
pub(crate) struct Sum {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

#[derive(Debug, Fields)]
pub(crate) struct Total {
    pub(crate) total: i64,
}

pub(crate) async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}
