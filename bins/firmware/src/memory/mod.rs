//! How large the room is, and where everything lies: statics, each taken once.

mod client;
mod server;
mod stack;

pub use client::client;
pub use server::server;
pub use stack::stack;

/// People in the room, oneself included: `CHATAPP_ROOM` when this was built, 8 if it was not set.
pub const ROOM: usize = match usize::from_str_radix(env!("CHATAPP_ROOM"), 10) {
    Ok(room) if room > 1 => room,
    _ => panic!("CHATAPP_ROOM is a number of people, at least 2"),
};

/// Numbered frames that each other side may have on the way to us.
pub const WINDOW: u16 = 2;

/// A static array of vacant slots, taken where this stands. It can be taken once: the function returns `None` after that.
macro_rules! take {
    ($slot:ty, $vacant:expr, $count:expr) => {{
        static CELL: static_cell::ConstStaticCell<[$slot; $count]> =
            static_cell::ConstStaticCell::new([$vacant; $count]);
        CELL.try_take()?
    }};
}
use take;
