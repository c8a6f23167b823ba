//! Roles of this program as a measured process.

use crate::{bare, client};

/// Runs a role until this process is killed or its standard input ends.
pub(crate) fn play(role: &[String]) {
    let arguments: Vec<&str> = role.iter().map(String::as_str).collect();
    match arguments[..] {
        ["client", server, name, window, loss] => client::on_socket(
            server.parse().expect("an address"),
            name,
            window.parse().expect("frames"),
            loss.parse().expect("per cent"),
        ),
        ["client-on-tap", server, name, window, own, gateway] => client::on_tap(
            server.parse().expect("an address"),
            name,
            window.parse().expect("frames"),
            own,
            gateway.parse().expect("an address"),
        ),
        ["bare-answers"] => bare::answer_all(),
        ["bare-sender", to, per_datagram] => bare::send_stream(
            to.parse().expect("an address"),
            per_datagram.parse().expect("messages"),
        ),
        ["bare-fan-out", to] => bare::fan_out(to.parse().expect("recipients")),
        ["bare-crowd", sender, recipients] => bare::answer_as_crowd(
            sender.parse().expect("an address"),
            recipients.parse().expect("recipients"),
        ),
        _ => panic!("no such role: {role:?}"),
    }
}
