//! What the command line asks for.

use std::error::Error;
use std::path::PathBuf;

use crate::peer::Peer;
use crate::profile::Profile;
use crate::scenario::{self, Scenario};

/// What is measured, with whom and how often.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<&'static Scenario>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) profile: Profile,
    pub(crate) rounds: usize,
    /// How long a client calls.
    pub(crate) seconds: f64,
    /// Where a file and charts are written.
    pub(crate) results: Option<PathBuf>,
}

impl Plan {
    /// `None` when help is asked for.
    pub(crate) fn from_arguments(
        arguments: impl Iterator<Item = String>,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let mut plan = Self {
            scenarios: Vec::new(),
            peers: Vec::new(),
            profile: Profile::default(),
            rounds: 7,
            seconds: 1.0,
            results: None,
        };
        let mut folder = None;
        let mut only: Option<Vec<String>> = None;
        for argument in arguments {
            match argument.split_once('=') {
                Some(("--profile", value)) => plan.profile = value.parse()?,
                Some(("--rounds", value)) => plan.rounds = value.parse()?,
                Some(("--seconds", value)) => plan.seconds = value.parse()?,
                Some(("--results", value)) => plan.results = Some(value.into()),
                Some(("--all-results", value)) => folder = Some(value.into()),
                Some(("--peers", value)) => {
                    only = Some(value.split(',').map(str::to_owned).collect());
                }
                Some((name, command)) if name.starts_with("--peer-") => {
                    plan.peers
                        .push(Peer::new(&name["--peer-".len()..], command));
                }
                None if argument == "--help" => return Ok(None),
                _ => {
                    let known = scenario::ALL.iter().find(|known| known.name == argument);
                    plan.scenarios.push(known.ok_or_else(|| {
                        format!("unknown scenario or option {argument:?}\n\n{}", help())
                    })?);
                }
            }
        }
        if let Some(only) = only {
            for name in &only {
                if !plan.peers.iter().any(|peer| peer.name == *name) {
                    return Err(format!("there is no peer {name:?} here").into());
                }
            }
            plan.peers.retain(|peer| only.contains(&peer.name));
        } else if plan.scenarios.is_empty() && plan.profile == Profile::default() {
            plan.results = plan.results.or(folder);
        }
        if plan.scenarios.is_empty() {
            plan.scenarios.extend(scenario::ALL);
        }
        if plan.peers.is_empty() || plan.rounds == 0 {
            return Err("at least one peer and one round are needed".into());
        }
        Ok(Some(plan))
    }

    /// Those who take part in a scenario.
    pub(crate) fn peers_of(&self, scenario: &Scenario) -> impl Iterator<Item = &Peer> {
        let without = scenario.without;
        self.peers
            .iter()
            .filter(move |peer| !without.contains(&peer.name.as_str()))
    }

    /// How many measurements there are in all.
    pub(crate) fn turns(&self) -> usize {
        self.scenarios
            .iter()
            .map(|scenario| scenario.points.len() * self.peers_of(scenario).count() * self.rounds)
            .sum()
    }
}

/// How it is used.
pub(crate) fn help() -> String {
    let mut text = "usage: cargo xtask bench [OPTION…] [SCENARIO…]

Without a scenario all of them run, and, unless only some peers do or the profile is another one, the table and charts in
bench/results are written anew.

options:
  --rounds=N       turns of each peer (7)
  --seconds=S      how long a turn calls (1)
  --peers=A,B      only these
  --profile=NAME   builds all peers with cargo's profile `release` instead of `measured`, which has
                   link-time optimization
  --results=DIR    writes the table and charts there

scenarios:
"
    .to_owned();
    for scenario in scenario::ALL {
        text += &format!("  {:<15}  {}\n", scenario.name, scenario.about);
    }
    text
}
