//! Counts the instructions for one client, in a small and in a large room, with Callgrind. Use a
//! release build; it needs `valgrind`. Fails
//!
//! - if the large room needs more than 1.2 times as many;
//! - if the small one needs more than the ceilings in `ceilings.txt`;
//! - if a forged tag takes more or less where another byte of it differs.

mod callgrind;
mod case;
mod course;
mod room;

use std::process::{Command, ExitCode};

use chatapp_benches::ceilings::Ceilings;
use clap::Parser;

use self::callgrind::{before_encryption, count};
use self::case::Case;

/// Maximum ratio of the instructions in the large room to those in the small one.
const RATIO_MAX: f64 = 1.2;

/// Ceilings of the small room.
const CEILINGS: Ceilings = Ceilings::new(include_str!("ceilings.txt"));

#[derive(Parser)]
struct Arguments {
    /// Clients in the small room
    #[arg(long, default_value_t = 10)]
    few: usize,
    /// Clients in the large room
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// Go through all cases in a room of this size, under Callgrind
    #[arg(long, hide = true)]
    inside: Option<usize>,
}

fn main() -> ExitCode {
    let Arguments { few, many, inside } = Arguments::parse();
    if let Some(clients) = inside {
        course::go_through_all(clients);
        return ExitCode::SUCCESS;
    }
    if let Err(error) = Command::new("valgrind").arg("--version").output() {
        println!("skipped: no valgrind: {error}");
        return ExitCode::from(u8::from(std::env::var_os("CHATAPP_NO_SKIP").is_some()));
    }
    let (of_few, of_many) = (count(few, None), count(many, None));
    println!(
        "{:<55} {few:>10} {many:>10} {:>7} {:>10}",
        "instructions", "ratio", "ceiling"
    );
    let mut too_many = false;
    for case in Case::ALL {
        let [small, large] = [(&of_few, few), (&of_many, many)].map(|(counts, clients)| {
            let measured = counts.get(case.function()).expect("each case was run");
            measured.each(case, clients)
        });
        let (ratio, name) = (large / small, case.function());
        too_many |= ratio > RATIO_MAX || !CEILINGS.allows(name, small);
        println!(
            "{:<55} {small:>10.0} {large:>10.0} {ratio:>7.2} {:>10.0}",
            case.title(),
            CEILINGS.of(name)
        );
    }
    for case in [Case::Exchange, Case::Burst] {
        let before = before_encryption(case, few);
        let name = format!("{} before encryption", case.function());
        too_many |= !CEILINGS.allows(&name, before);
        println!(
            "{:<55} {before:>10.0} {:>10} {:>7} {:>10.0}",
            format!("{}, before encryption", case.title()),
            "",
            "",
            CEILINGS.of(&name)
        );
    }
    if too_many {
        println!("more than {RATIO_MAX} times as many, or more than its ceiling");
    }
    // Otherwise the time of an answer tells how many bytes of a forged tag are right.
    let [start, end] = [Case::ForgedStart, Case::ForgedEnd].map(|case| &of_few[case.function()]);
    let depends_on_tag = start != end;
    if depends_on_tag {
        println!("the comparison of a tag depends on the byte that differs: {start:?}, {end:?}");
    }
    ExitCode::from(u8::from(too_many || depends_on_tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_above_a_ceiling() {
        let profile = "fn=(1) main\n+3 7\n\
                       cfn=(2) instructions::case::measured_burst\ncalls=2 0\n4 64000\n\
                       fn=(3) others\ncfn=(2)\ncalls=1 0\n9 32000\n";
        let counts = callgrind::read_counts(profile);
        let burst = counts[Case::Burst.function()].each(Case::Burst, 10);
        assert!(Ceilings::new("measured_burst 1000").allows("measured_burst", burst));
        assert!(!Ceilings::new("measured_burst 999").allows("measured_burst", burst));
    }

    #[test]
    fn has_a_ceiling_for_every_case() {
        for case in Case::ALL {
            assert!(CEILINGS.of(case.function()) > 0.0, "{case:?}");
        }
    }
}
