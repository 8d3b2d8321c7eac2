//! Types that are no enum of errors, and variants that hold what they cannot.

use amp_rpc::CommandError;

#[derive(Debug, thiserror::Error, CommandError)]
#[error("a struct")]
struct Struct;

#[derive(Debug, thiserror::Error, CommandError)]
enum Variants {
    #[error("a")]
    #[amp(code = "A")]
    Named { reason: String },
    #[error("b")]
    #[amp(code = "B")]
    Two(String, String),
    #[error("c")]
    #[amp(code = "C")]
    Number(i64),
    #[error("d")]
    #[amp(include)]
    Other(std::fmt::Error),
}

fn main() {}
