//! Keys that the format or the protocol does not allow.

use amp_rpc::{Command, Fields};

#[derive(Command)]
struct Lengths {
    #[amp(name = "")]
    empty: i64,
    #[amp(name = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    too_long: i64,
}

#[derive(Command)]
struct ProtocolKeys {
    _ask: i64,
    #[amp(name = "_answer")]
    answer: i64,
    #[amp(name = b"_command")]
    command: i64,
    _error: i64,
    _error_code: i64,
    _error_description: i64,
    _allowed: i64,
}

#[derive(Fields)]
#[amp(rename_all = "camelCase")]
struct Repeated {
    user_name: i64,
    #[amp(name = "userName")]
    login: i64,
    #[amp(name = b"\xff")]
    odd: i64,
    #[amp(name = b"\xff")]
    odder: i64,
    #[amp(name = b"\xff")]
    oddest: i64,
}

fn main() {}
