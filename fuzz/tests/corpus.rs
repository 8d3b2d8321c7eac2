//! The targets on their saved corpus, and on mutations of it that are the same in every run.

use std::path::PathBuf;

use fuzz::TARGETS;

/// How many mutations each target gets.
const MUTATIONS: usize = 5_000;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let entries = std::fs::read_dir(folder.join(target)).expect("a corpus");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {target} is empty");
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("an input"))
        .collect()
}

/// Numbers that look random (xorshift), the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn mutate(inputs: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = inputs[numbers.below(inputs.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(input.len() + 1);
        match numbers.below(5) {
            0 => input.insert(at, numbers.below(256) as u8),
            1 => input.truncate(at),
            2 => {
                let other = &inputs[numbers.below(inputs.len())];
                input.extend_from_slice(&other[numbers.below(other.len() + 1)..]);
            }
            3 if at < input.len() => input[at] ^= 1 << numbers.below(8),
            4 if at < input.len() => {
                input.remove(at);
            }
            _ => input.push(numbers.below(256) as u8),
        }
    }
    input.truncate(4_096);
    input
}

fn run(target: &str) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.expect("a target of this name");
    let inputs = corpus(target);
    inputs.iter().for_each(|input| check(input));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..MUTATIONS {
        let input = mutate(&inputs, &mut numbers);
        let checked = std::panic::catch_unwind(|| check(&input));
        assert!(checked.is_ok(), "the input was {}", input.escape_ascii());
    }
}

#[test]
fn decoder() {
    run("decoder");
}

#[test]
fn argument_types() {
    run("argument_types");
}

#[test]
fn operations() {
    run("operations");
}

#[test]
fn two_ends() {
    run("two_ends");
}
