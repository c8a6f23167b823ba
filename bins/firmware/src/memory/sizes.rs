//! How large the room is.

/// People in the room, oneself included: `CHATAPP_ROOM` when this was built, 8 if it was not set.
pub const ROOM: usize = match usize::from_str_radix(env!("CHATAPP_ROOM"), 10) {
    Ok(room) if room > 1 => room,
    _ => panic!("CHATAPP_ROOM is a number of names, at least 2"),
};

/// Numbered frames that each peer may have in flight to this board.
pub const WINDOW: u16 = 2;
