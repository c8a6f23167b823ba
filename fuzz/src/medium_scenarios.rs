//! Scenarios with medium-term keys, from the first key to the deletion of it. They are in the
//! corpus: the fuzzer hardly finds all of these steps in their order.

use crate::frame_step::{Author, EntryStep, FrameStep, MailStep, StoreStep};
use crate::medium::{MediumHabit, MediumKeyStep};
use crate::people::{BOB, CAROL, CLIENT, SERVER};
use crate::scenario::{Scenario, Start};
use crate::step::{CommandStep, Open, Step};
use crate::values::{Jump, NameStep, Rarely, Words};

/// Outcomes of results, by their numbers.
const EXISTS: u8 = 1;

fn result(outcome: u8) -> FrameStep {
    FrameStep::Result {
        back: Rarely(0),
        outcome,
    }
}

fn mail(key: MediumKeyStep) -> FrameStep {
    let from = Author {
        name: NameStep::Of(BOB),
        process: Rarely(0),
        counter: Jump::default(),
        kept: false,
        key_of: Rarely(0),
    };
    let mail = MailStep {
        serial: Jump::default(),
        from,
        is_genuine: true,
        text: Words::Short("hi".into()),
    };
    FrameStep::MailFor { key, mail }
}

/// Returns the steps of a client that publishes a key and gets a message for it. The client writes
/// to carol for two keys, and replaces its own key a day later. The next process publishes that.
pub fn client_with_medium_keys() -> Scenario {
    // The session with the server, before that with bob.
    let server = |frames| Step::says(1, frames);
    let key_of_carol = |number| FrameStep::MediumKey {
        name: NameStep::Of(CAROL),
        key: MediumKeyStep::Of(number),
    };
    let found = FrameStep::Found {
        back: Rarely(0),
        entry: EntryStep::of(CAROL, 0),
    };
    let hi = Words::Short("hi".into());
    let page = FrameStep::Page {
        version: Jump::default(),
        restart: true,
        complete: true,
        entries: vec![
            EntryStep::of(CLIENT, 1),
            EntryStep::of(BOB, 1),
            EntryStep::of(CAROL, 0),
        ],
    };
    let answer = Step::Answer {
        from: SERVER,
        back: 0,
        refusal: Rarely(0),
        epoch: 2,
        window: Rarely(0),
    };
    let steps = vec![
        Step::Clock { hours: 0 },
        Step::MediumKeys(MediumHabit::Stored),
        server(vec![result(EXISTS)]),
        server(vec![mail(MediumKeyStep::Sent(0))]),
        Step::Command(CommandStep::Send(NameStep::Of(CAROL), hi)),
        server(vec![key_of_carol(0), found]),
        server(vec![key_of_carol(1)]),
        server(vec![result(0)]),
        // A day later: the next key, and the end of the messages for the first one.
        Step::Clock { hours: 25 },
        Step::Deadline,
        server(Vec::new()),
        Step::Deadline,
        server(vec![result(EXISTS)]),
        server(vec![mail(MediumKeyStep::Sent(1))]),
        server(vec![FrameStep::Missing { back: Rarely(0) }]),
        Step::Restart { written: 0 },
        Step::MediumKeys(MediumHabit::Stored),
        Step::Command(CommandStep::Register(NameStep::Of(CLIENT))),
        Step::GiveCookie {
            back: 0,
            key: Some(SERVER),
        },
        answer,
        Step::says(0, vec![page]),
        Step::says(0, vec![result(EXISTS)]),
        Step::says(0, vec![mail(MediumKeyStep::Sent(0))]),
    ];
    Scenario {
        start: Start::Registered,
        steps,
    }
}

/// Returns the steps of a server whose clients alice and bob publish keys. Alice stores messages
/// for bob: one for the published key, and one for the static key alone, which waits. Bob replaces
/// the key, too early at first.
pub fn server_with_medium_keys() -> Scenario {
    // The sessions before that of carol.
    let (alice, bob) = (3, 2);
    let publish = |number| FrameStep::Publish {
        request: Jump::default(),
        key: MediumKeyStep::Of(number),
        rest: Rarely(0),
    };
    let store = |key| FrameStep::StoreFor {
        key,
        store: StoreStep::to(BOB),
    };
    let lookup = FrameStep::Lookup {
        query: Jump::default(),
        name: NameStep::Of(BOB),
    };
    let opens = |from| {
        Step::Open(Open {
            knows_table: true,
            ..Open::by(from)
        })
    };
    let leave = FrameStep::Leave {
        request: Jump::default(),
    };
    let steps = vec![
        // Carol gets the stored message.
        Step::AskCookie { from: CAROL },
        opens(CAROL),
        Step::says(0, Vec::new()),
        Step::says(0, Vec::new()),
        Step::says(alice, vec![publish(0)]),
        Step::says(bob, vec![publish(1)]),
        Step::says(bob, vec![leave]),
        Step::says(alice, vec![lookup]),
        Step::says(alice, vec![store(MediumKeyStep::Sent(0))]),
        Step::says(alice, vec![store(MediumKeyStep::None)]),
        Step::AskCookie { from: BOB },
        opens(BOB),
        Step::says(0, Vec::new()),
        Step::says(0, vec![publish(2)]),
        Step::Wait { ms: 10_000 },
        Step::says(0, vec![publish(2)]),
        Step::says(0, vec![publish(1)]),
        // Alice takes the receipt.
        Step::says(alice + 1, Vec::new()),
    ];
    Scenario {
        start: Start::Registered,
        steps,
    }
}
