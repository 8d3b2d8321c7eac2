//! The example `ampoule_child` as the child of a process pool of real `ampoule`.

mod support;

use support::{example, python, succeed};

/// The pool's program has a time limit.
#[test]
fn our_children_serve_a_pool_of_ampoule() {
    let child = example("ampoule_child");
    let mut pool = python("ampoule_pool.py");
    let out = succeed(pool.arg(child.get_program()));
    let (_, last) = out.trim_end().rsplit_once('\n').expect("several lines");
    assert_eq!(last, "exit code without a parent: 255", "{out}");
}
