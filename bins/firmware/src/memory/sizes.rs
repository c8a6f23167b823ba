//! Size of the room.

/// Number of names in the room, including the own one: `CHATAPP_ROOM` at build time, 8 by default.
pub const ROOM: usize = match usize::from_str_radix(env!("CHATAPP_ROOM"), 10) {
    Ok(room) if room > 1 => room,
    _ => panic!("CHATAPP_ROOM is a number of names, at least 2"),
};

/// In-flight frames that each peer may send to this board.
pub const WINDOW: u16 = 2;
