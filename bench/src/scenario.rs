//! What is measured.

/// A load, or a row of loads that grow.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    /// Each run of it: an argument that grows, if any, and all arguments of the client.
    pub(crate) points: &'static [Point],
    /// Threads of each runtime. With one, both processes share a core: what is measured is the work, not who gets the other core.
    pub(crate) threads: usize,
    pub(crate) without: &'static [&'static str],
}

/// How it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The client calls for a time.
    Calls,
    /// The client keeps connections.
    Idle,
}

/// One load.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) x: usize,
    pub(crate) arguments: &'static str,
}

const fn at(x: usize, arguments: &'static str) -> Point {
    Point { x, arguments }
}

const fn calls(name: &'static str, about: &'static str, points: &'static [Point]) -> Scenario {
    Scenario {
        name,
        about,
        kind: Kind::Calls,
        points,
        threads: 1,
        without: &["limit-blocking", "limit-lean"],
    }
}

/// In which the limit's own buffers would be most of what is measured, so that there is one without them, too.
const fn with_the_lean_limit(scenario: Scenario) -> Scenario {
    Scenario {
        without: &["limit-blocking"],
        ..scenario
    }
}

/// Programs that have no multi-thread runtime: Twisted runs on one thread, Cap'n Proto's tasks stay on one.
const ON_ONE_THREAD: &[&str] = &["limit-blocking", "limit-lean", "capnp", "twisted"];

const fn on_two_threads(scenario: Scenario) -> Scenario {
    Scenario {
        threads: 2,
        without: ON_ONE_THREAD,
        ..scenario
    }
}

/// In which only callers of real libraries take part.
const fn without_the_limit(scenario: Scenario) -> Scenario {
    Scenario {
        without: &["limit", "limit-blocking", "limit-lean"],
        ..scenario
    }
}

/// In a curve are those whose shape is compared.
const fn curve(scenario: Scenario) -> Scenario {
    Scenario {
        without: &["limit-blocking", "limit-lean", "capnp", "tonic", "twisted"],
        ..scenario
    }
}

/// All of them, in the order in which they are shown.
pub(crate) const ALL: &[Scenario] = &[
    calls("1", "one call at a time", &[at(1, "--latency")]),
    calls(
        "64",
        "64 outstanding calls on one connection",
        &[at(1, "--outstanding=64")],
    ),
    Scenario {
        without: &["limit-lean"],
        ..calls(
            "256",
            "256 outstanding calls on one connection",
            &[at(1, "--outstanding=256")],
        )
    },
    calls(
        "64x16",
        "64 connections with 16 outstanding calls each",
        &[at(1, "--connections=64 --outstanding=16")],
    ),
    with_the_lean_limit(calls(
        "64x1",
        "64 connections with one outstanding call each",
        &[at(1, "--connections=64")],
    )),
    with_the_lean_limit(calls(
        "10000x1",
        "10,000 connections with one outstanding call each",
        &[at(1, "--connections=10000")],
    )),
    calls(
        "echo",
        "16 outstanding echoes of 60,000 bytes on one connection",
        &[at(1, "--bytes=60000 --outstanding=16")],
    ),
    on_two_threads(calls(
        "threads-1",
        "one call at a time, runtimes with two workers",
        &[at(1, "--latency")],
    )),
    on_two_threads(calls(
        "threads-256",
        "256 outstanding calls on one connection, runtimes with two workers",
        &[at(1, "--outstanding=256")],
    )),
    on_two_threads(calls(
        "threads-64x16",
        "64 connections with 16 outstanding calls each, runtimes with two workers",
        &[at(1, "--connections=64 --outstanding=16")],
    )),
    on_two_threads(calls(
        "threads-echo",
        "16 outstanding echoes of 60,000 bytes on one connection, runtimes with two workers",
        &[at(1, "--bytes=60000 --outstanding=16")],
    )),
    without_the_limit(calls(
        "alone",
        "16 outstanding small calls on one connection, to compare the next two with",
        &[at(1, "--outstanding=16 --latency")],
    )),
    without_the_limit(calls(
        "mixed",
        "the same with 4 outstanding echoes of 60,000 bytes on the same connection",
        &[at(1, "--outstanding=16 --latency --large=4")],
    )),
    without_the_limit(calls(
        "beside",
        "the same with 4 outstanding echoes of 60,000 bytes on another connection",
        &[at(1, "--outstanding=16 --latency --large=4 --beside")],
    )),
    Scenario {
        kind: Kind::Idle,
        ..without_the_limit(calls(
            "idle",
            "2,000 idle connections, each after one call",
            &[at(1, "--connections=2000")],
        ))
    },
    Scenario {
        without: &["limit-blocking", "capnp", "tonic", "twisted"],
        ..curve(calls(
            "connections",
            "connections with one outstanding call each",
            &[
                at(1, "--connections=1"),
                at(4, "--connections=4"),
                at(16, "--connections=16"),
                at(64, "--connections=64"),
                at(256, "--connections=256"),
                at(1_000, "--connections=1000"),
                at(4_000, "--connections=4000"),
                at(10_000, "--connections=10000"),
            ],
        ))
    },
    curve(calls(
        "outstanding",
        "outstanding calls on one connection",
        &[
            at(1, "--outstanding=1"),
            at(4, "--outstanding=4"),
            at(16, "--outstanding=16"),
            at(64, "--outstanding=64"),
            at(256, "--outstanding=256"),
            at(1_024, "--outstanding=1024"),
            at(4_096, "--outstanding=4096"),
            at(16_384, "--outstanding=16384"),
        ],
    )),
    curve(calls(
        "bytes",
        "bytes that are echoed, 16 outstanding calls on one connection",
        &[
            at(1, "--outstanding=16 --bytes=1"),
            at(16, "--outstanding=16 --bytes=16"),
            at(64, "--outstanding=16 --bytes=64"),
            at(256, "--outstanding=16 --bytes=256"),
            at(1_024, "--outstanding=16 --bytes=1024"),
            at(4_096, "--outstanding=16 --bytes=4096"),
            at(16_384, "--outstanding=16 --bytes=16384"),
            at(65_535, "--outstanding=16 --bytes=65535"),
        ],
    )),
    curve(calls(
        "arguments",
        "integers that are added, each an argument, 16 outstanding calls on one connection",
        &[
            at(1, "--outstanding=16 --arguments=1"),
            at(5, "--outstanding=16 --arguments=5"),
            at(20, "--outstanding=16 --arguments=20"),
            at(50, "--outstanding=16 --arguments=50"),
            at(100, "--outstanding=16 --arguments=100"),
            at(200, "--outstanding=16 --arguments=200"),
        ],
    )),
];
