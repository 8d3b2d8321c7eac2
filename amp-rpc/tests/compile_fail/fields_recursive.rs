//! Rows of the struct's own type, whose schema would have no end.

use amp_rpc::Fields;

#[derive(Fields)]
struct Node {
    name: String,
    children: Vec<Node>,
}

#[derive(Fields)]
struct Tree<T> {
    value: T,
    children: Option<Vec<Vec<Tree<T>>>>,
}

#[derive(Fields)]
struct Linked {
    next: std::vec::Vec<Self>,
}

fn main() {}
