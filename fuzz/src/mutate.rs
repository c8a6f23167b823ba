//! Mutates inputs by their structure, so that nearly every new input is a run of whole steps.

use arbitrary::{Arbitrary, Unstructured};
use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;

use crate::scenario::{Scenario, Start};
use crate::step::{Say, Step};

/// The most random bytes of one step.
const STEP_BYTES: usize = 96;
/// Percentage of inputs that libFuzzer changes byte by byte.
const BYTEWISE_PERCENT: u8 = 5;

/// Changes the input in the first `size` bytes; returns its new size, which is at most `max_size`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    if rng.u8(..100) < BYTEWISE_PERCENT {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut scenario = Scenario::from_bytes(&data[..size]);
    for _ in 0..1 + rng.usize(..4) {
        change(&mut scenario, &mut rng);
    }
    write(&scenario, &mut data[..max_size])
}

/// Builds an input from the start of one input and the end of another.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    let (mut scenario, other) = (Scenario::from_bytes(one), Scenario::from_bytes(other));
    scenario.steps.truncate(rng.usize(..=scenario.steps.len()));
    let rest = rng.usize(..=other.steps.len());
    scenario.steps.extend(other.steps.into_iter().skip(rest));
    write(&scenario, out)
}

/// Writes as many whole steps as fit.
fn write(scenario: &Scenario, out: &mut [u8]) -> usize {
    let mut bytes = scenario.to_bytes();
    let mut shorter = scenario.clone();
    while bytes.len() > out.len() && shorter.steps.pop().is_some() {
        bytes = shorter.to_bytes();
    }
    let len = bytes.len().min(out.len());
    out[..len].copy_from_slice(&bytes[..len]);
    len
}

fn change(scenario: &mut Scenario, rng: &mut Rng) {
    let steps = &mut scenario.steps;
    let place = rng.usize(..=steps.len());
    match rng.u8(..16) {
        0..=5 => steps.insert(place, any_step(rng)),
        6 | 7 => remove(steps, place, rng),
        8 => {
            if let Some(step) = steps.get(place).cloned() {
                steps.insert(rng.usize(..=steps.len()), step);
            }
        }
        9 => {
            if place < steps.len() {
                let other = rng.usize(..steps.len());
                steps.swap(place, other);
            }
        }
        10 => {
            scenario.start = match scenario.start {
                Start::New => Start::Registered,
                Start::Registered => Start::New,
            };
        }
        _ => {
            if let Some(step) = steps.get_mut(place) {
                change_step(step, rng);
            }
        }
    }
}

fn remove(steps: &mut Vec<Step>, place: usize, rng: &mut Rng) {
    let count = match rng.u8(..4) {
        0 => rng.usize(..=steps.len() - place),
        _ => 1,
    };
    let end = steps.len().min(place + count);
    steps.drain(place..end);
}

/// Changes a few bytes of a step, changes one of its frames, or replaces it.
fn change_step(step: &mut Step, rng: &mut Rng) {
    match step {
        Step::Say(say) if rng.bool() => change_frames(say, rng),
        _ => {
            if let Some(changed) = bytewise(step) {
                *step = changed;
            } else {
                *step = any_step(rng);
            }
        }
    }
}

fn change_frames(say: &mut Say, rng: &mut Rng) {
    let place = rng.usize(..=say.frames.len());
    match rng.u8(..4) {
        0 if place < say.frames.len() => drop(say.frames.remove(place)),
        1 => {
            if let Some(frame) = say.frames.get(place).cloned() {
                say.frames.push(frame);
            }
        }
        _ => say.frames.insert(place, any(rng)),
    }
}

/// Lets libFuzzer change the bytes of a step; `None` if the result is no step.
fn bytewise(step: &Step) -> Option<Step> {
    let mut bytes = postcard::to_stdvec(step).ok()?;
    let size = bytes.len();
    bytes.resize(size + 16, 0);
    let max_size = bytes.len();
    let size = fuzzer_mutate(&mut bytes, size, max_size);
    postcard::from_bytes(&bytes[..size]).ok()
}

/// Returns any step; in every second case, one with frames.
fn any_step(rng: &mut Rng) -> Step {
    if rng.bool() {
        Step::Say(any(rng))
    } else {
        any(rng)
    }
}

fn any<T: for<'a> Arbitrary<'a>>(rng: &mut Rng) -> T {
    let mut bytes = [0; STEP_BYTES];
    rng.fill(&mut bytes);
    let len = 16 + rng.usize(..STEP_BYTES - 16);
    T::arbitrary(&mut Unstructured::new(&bytes[..len])).expect("short data make small values")
}
