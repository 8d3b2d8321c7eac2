//! Words in `#[amp(...)]` that are not known, are not complete, or are not what they must be.

use amp_rpc::Fields;

#[derive(Fields)]
#[amp(rename = "kebab-case", crate = amp_rpc)]
struct UnknownWords {
    #[amp(optional, rename_all = "kebab-case")]
    a: i64,
    #[amp(nam = "x", name = "y")]
    b: i64,
}

#[derive(Fields)]
#[amp(rename_all = "Kebab-Case")]
struct UnknownCase {
    a: i64,
}

#[derive(Fields)]
#[amp(rename_all = kebab)]
struct CaseWithoutQuotes {
    a: i64,
}

#[derive(Fields)]
struct Values {
    #[amp(name)]
    nothing: i64,
    #[amp(name = )]
    nothing_either: i64,
    #[amp(name = wire)]
    no_literal: i64,
    #[amp(name = 5)]
    a_number: i64,
    #[amp(name("wire"))]
    in_parentheses: i64,
    #[amp(name = "x" name = "y")]
    no_comma: i64,
    #[amp(name = "z", name = "z")]
    twice: i64,
    #[amp(name = "p")]
    #[amp(name = "q")]
    twice_in_two: i64,
    #[amp("wire")]
    no_word: i64,
    #[amp]
    bare: i64,
    #[amp = "wire"]
    assigned: i64,
    #[amp()]
    empty_is_allowed: i64,
}

fn main() {}
