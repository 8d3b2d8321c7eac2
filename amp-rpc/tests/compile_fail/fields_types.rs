//! Fields of types that cannot travel: shown on the type.

use std::collections::HashMap;
use std::rc::Rc;

use amp_rpc::{Command, Fields};

struct Point {
    x: i64,
}

#[derive(Command)]
struct Draw {
    from: Point,
    to: Option<Point>,
    via: Vec<Point>,
    colors: HashMap<String, i64>,
    name: &'static str,
}

#[derive(Fields)]
struct Generic<T> {
    value: T,
    shared: Rc<T>,
}

#[derive(Fields)]
struct Row {
    x: i64,
}

/// A row stands in a `Vec`.
#[derive(Fields)]
struct Table {
    row: Row,
}

fn fields<T: Fields>() {}

fn main() {
    fields::<Generic<Point>>();
}
