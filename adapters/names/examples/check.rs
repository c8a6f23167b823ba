//! Prints the one spelling of each name given as an argument, or the rule that it breaks.

fn main() {
    for typed in std::env::args().skip(1) {
        match chatapp_names::normalize(&typed) {
            Ok(name) if name == typed => println!("{typed:?} is allowed"),
            Ok(name) => println!("{typed:?} becomes {name:?}"),
            Err(problem) => println!("{typed:?}: {problem}"),
        }
    }
}
