//! The demonstration: a script for a server and clients, each a process with its own socket.

mod cast;

use std::time::Instant;

use crate::exit::{Exit, Failure};
use crate::platform::{Hooks, signals};
use cast::{Cast, Role};

/// Runs the whole script. Each step waits for the lines that it must cause.
pub(crate) fn run() -> Result<Exit, Failure> {
    let start = Instant::now();
    let hooks = Hooks {
        tidy_up: || {},
        resume: || {},
        reloads: false,
    };
    let requests = signals::watch(|| {}, hooks).map_err(Failure::system("cannot catch signals"))?;
    let mut cast = Cast::new(requests)?;

    cast.announce("A server starts, and three clients enter.")?;
    let server = cast.server()?;
    let alice = cast.client("alice")?;
    let bob = cast.client("bob")?;
    let carol = cast.client("carol")?;

    chat(&mut cast, alice, bob, carol)?;
    leave_and_come_back(&mut cast, alice, bob, carol)?;
    let carol = restart(&mut cast, alice, carol)?;
    make_mistakes(&mut cast, alice)?;
    without_the_server(&mut cast, server, [alice, bob, carol])?;

    let seconds = start.elapsed().as_secs_f32();
    cast.announce(&format!(
        "Done: everything arrived, once, in {seconds:.1} s."
    ))?;
    cast.announce("For real use: ChatApp -s 4119, and then ChatApp -c <name> <server-ip> 4119 0")?;
    Ok(Exit::Done)
}

fn chat(cast: &mut Cast, alice: Role, bob: Role, carol: Role) -> Result<(), Failure> {
    cast.announce("They chat: directly with each other, and with everyone.")?;
    cast.types(alice, "send bob Hi Bob!")?;
    cast.sees(bob, "alice: Hi Bob!")?;
    cast.sees(alice, "[Message received by bob.]")?;
    cast.types(bob, "send alice Hello Alice.   (Spaces are kept.)")?;
    cast.sees(alice, "bob: Hello Alice.   (Spaces are kept.)")?;
    cast.sees(bob, "[Message received by alice.]")?;
    cast.types(carol, "send_all Hello everyone!")?;
    cast.sees(carol, "[Message received by Server.]")?;
    cast.sees(alice, "Channel_Message carol: Hello everyone!")?;
    cast.sees(bob, "Channel_Message carol: Hello everyone!")
}

fn leave_and_come_back(
    cast: &mut Cast,
    alice: Role,
    bob: Role,
    carol: Role,
) -> Result<(), Failure> {
    cast.announce("Bob leaves. Meanwhile, the server stores messages for Bob.")?;
    cast.types(bob, "dereg bob")?;
    cast.sees(bob, "[You are Offline. Bye.]")?;
    cast.sees(alice, "[Client table updated.]")?;
    cast.types(alice, "send bob Are you there?")?;
    cast.sees(alice, "[No ACK from bob, message sent to server.]")?;
    cast.sees(alice, "[Messages received by the server and saved]")?;
    cast.types(carol, "send_all Bob missed this.")?;
    cast.sees(carol, "[Message received by Server.]")?;
    cast.sees(alice, "Channel_Message carol: Bob missed this.")?;

    cast.announce("Bob returns and receives them, with the time at which the server got them.")?;
    cast.types(bob, "reg bob")?;
    cast.sees(bob, "[You have messages]")?;
    cast.sees(bob, "alice: <*> Are you there?")?;
    cast.sees(bob, "Channel_Message carol: <*> Bob missed this.")?;
    cast.sees(bob, "[Client table updated.]")
}

fn restart(cast: &mut Cast, alice: Role, carol: Role) -> Result<Role, Failure> {
    cast.announce("Carol's program ends, and starts again later.")?;
    cast.types(carol, "quit")?;
    cast.sees(carol, "[You are Offline. Bye.]")?;
    cast.ends(carol, Exit::Done)?;
    cast.types(alice, "send carol Welcome back!")?;
    cast.sees(alice, "[Messages received by the server and saved]")?;
    let carol = cast.client("carol")?;
    cast.sees(carol, "alice: <*> Welcome back!")?;
    Ok(carol)
}

fn make_mistakes(cast: &mut Cast, alice: Role) -> Result<(), Failure> {
    cast.announce("Mistakes are explained.")?;
    cast.types(alice, "send dave Hi")?;
    cast.sees(alice, "[Client dave does not exist.]")?;
    cast.types(alice, "dereg bob")?;
    cast.sees(
        alice,
        "[You can only use reg and dereg with your own name, alice.]",
    )?;
    cast.types(alice, "sned bob Hi")?;
    cast.sees(
        alice,
        "[There is no command sned. Did you mean send? Type help to see all commands.]",
    )
}

fn without_the_server(cast: &mut Cast, server: Role, all: [Role; 3]) -> Result<(), Failure> {
    let [alice, bob, _] = all;
    cast.announce(
        "The server is killed. Direct messages continue; commands that need the server report it.",
    )?;
    cast.kill(server)?;
    cast.types(alice, "send bob Still here?")?;
    cast.sees(bob, "alice: Still here?")?;
    cast.sees(alice, "[Message received by bob.]")?;
    for role in all {
        cast.types(role, "quit")?;
    }
    for role in all {
        cast.sees(role, "[Server not responding]")?;
        cast.sees(role, "[Exiting]")?;
        cast.ends(role, Exit::NoServer)?;
    }
    Ok(())
}
