//! The outbox: unsettled commands, their numbers and their notices.

use super::command::CommandId;
use super::notices::{Final, Notice, Notices};
use super::outbox_slot::{Form, Noticed, OutboxSlot};
use super::send_queue::SendQueue;
use crate::containers::{FreeList, Queue, Slots};
use crate::time::UnixSeconds;

/// Numbers that only registrations and deregistrations get, when messages have used up the others.
const RESERVED: u32 = 1 << 16;

/// All unsettled commands. Each is in at most one [`Queue`], by what it waits for.
pub(super) struct Outbox<'a> {
    slots: Slots<'a, OutboxSlot>,
    free: FreeList,
    /// Number of commands so far; also numbers the messages.
    commands: u32,
    /// Number of requests of the client's own so far.
    #[cfg(feature = "medium-keys")]
    own_requests: u16,
    /// Number of those that are not answered.
    #[cfg(feature = "medium-keys")]
    own_used: u32,
    noticed: Queue<Noticed>,
    /// The time of day; 0 if it is unknown.
    wall: UnixSeconds,
}

impl<'a> Outbox<'a> {
    /// Creates an empty outbox; `None` if there is no slot.
    pub(super) fn new(slots: &'a mut [OutboxSlot]) -> Option<Self> {
        Some(Self {
            slots: Slots::new(slots)?,
            free: FreeList::new(),
            commands: 0,
            #[cfg(feature = "medium-keys")]
            own_requests: 0,
            #[cfg(feature = "medium-keys")]
            own_used: 0,
            noticed: Queue::EMPTY,
            wall: UnixSeconds(0),
        })
    }

    pub(super) fn at(&self, slot: u32) -> &OutboxSlot {
        self.slots.at(slot)
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut OutboxSlot {
        self.slots.at_mut(slot)
    }

    /// Returns the mutable slots, for a queue of them.
    pub(super) fn slots(&mut self) -> &mut Slots<'a, OutboxSlot> {
        &mut self.slots
    }

    /// Returns the slot of sequence number `position` in a session whose oldest one is `oldest`.
    pub(super) fn at_position(
        &self,
        sending: &SendQueue,
        position: u32,
        oldest: u32,
    ) -> Option<u32> {
        sending.at(&self.slots, position, oldest)
    }

    /// Returns how many commands and requests of the client's own are not settled.
    pub(super) fn used(&self) -> u32 {
        self.free.used()
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.used() == self.slots.len()
    }

    /// Returns whether a message can get a number. The number is a nonce: none serves twice.
    pub(super) fn has_numbers(&self) -> bool {
        self.commands < u32::MAX - RESERVED
    }

    /// Returns the number of a new command; `None` if all are used up.
    pub(super) fn number(&mut self) -> Option<CommandId> {
        self.commands = self.commands.checked_add(1)?;
        Some(CommandId(self.commands))
    }

    /// Counts as after so many commands.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, commands: u32) {
        self.commands = commands;
    }

    /// Sets the time of day, which new messages get.
    pub(super) fn set_wall(&mut self, wall: UnixSeconds) {
        self.wall = wall;
    }

    /// Returns the time of day; 0 if it is unknown.
    #[cfg(feature = "medium-keys")]
    pub(super) fn wall(&self) -> UnixSeconds {
        self.wall
    }

    /// Returns the number of slots, used or not.
    #[cfg(feature = "medium-keys")]
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    /// Allocates a slot for a command; `None` if there is no room or no number.
    pub(super) fn allocate(&mut self, form: Form, to: u32, text: &str) -> Option<u32> {
        if self.is_full() || (form != Form::Leave && !self.has_numbers()) {
            return None;
        }
        let id = self.number()?;
        let slot = self.free.allocate(&self.slots)?;
        let entry = self.slots.at_mut(slot);
        entry.reset(id, form, to, text);
        entry.text_mut().set_time(self.wall);
        Some(slot)
    }

    /// Allocates a slot for a request of the client's own; `None` if there is no room. Its number
    /// is none of those of commands, which the user sees.
    #[cfg(feature = "medium-keys")]
    pub(super) fn allocate_own(&mut self, form: Form, to: u32) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let slot = self.free.allocate(&self.slots)?;
        self.own_requests = self.own_requests.wrapping_add(1);
        let id = CommandId(u32::MAX - u32::from(self.own_requests));
        self.slots.at_mut(slot).reset(id, form, to, "");
        self.own_used += 1;
        Some(slot)
    }

    /// Counts a request of the client's own as answered. Its slot is released then.
    #[cfg(feature = "medium-keys")]
    pub(super) fn end_own(&mut self) {
        self.own_used = self.own_used.saturating_sub(1);
    }

    /// Returns whether all commands are settled.
    pub(super) fn is_settled(&self) -> bool {
        #[cfg(feature = "medium-keys")]
        return self.used() == self.own_used;
        #[cfg(not(feature = "medium-keys"))]
        return self.used() == 0;
    }

    /// Frees the slot of a settled command. Its content stays until the next command.
    pub(super) fn release(&mut self, slot: u32) {
        self.free.release(&mut self.slots, slot);
    }

    /// Settles a command; its slot is released once the result was reported.
    pub(super) fn settle(&mut self, slot: u32, result: Final) {
        let notices = self.slots.at_mut(slot).notices();
        let is_first = notices.is_empty();
        notices.settle(result);
        if is_first {
            self.noticed.push(&mut self.slots, slot);
        }
    }

    /// Returns the notices of a command, to add one.
    pub(super) fn notice(&mut self, slot: u32) -> &mut Notices {
        if self.slots.at_mut(slot).notices().is_empty() {
            self.noticed.push(&mut self.slots, slot);
        }
        self.slots.at_mut(slot).notices()
    }

    pub(super) fn has_notices(&self) -> bool {
        !self.noticed.is_empty()
    }

    /// Returns the next notice, of the command that has waited for longest.
    pub(super) fn next_notice(&mut self) -> Option<(u32, Notice)> {
        let slot = self.noticed.first()?;
        let notices = self.slots.at_mut(slot).notices();
        let notice = notices.take()?;
        if notices.is_empty() {
            self.noticed.pop(&self.slots);
        }
        Some((slot, notice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::event::MessageStatus;

    #[test]
    fn numbers_commands_with_and_without_slots() {
        let mut slots = [OutboxSlot::VACANT; 2];
        let mut outbox = Outbox::new(&mut slots).unwrap();
        let first = outbox.allocate(Form::Post, 0, "a").unwrap();
        assert_eq!(outbox.number().map(CommandId::number), Some(2));
        let second = outbox.allocate(Form::Direct, 3, "b").unwrap();
        assert_eq!(
            (outbox.at(first).counter(), outbox.at(second).counter()),
            (1, 3)
        );
        assert!(outbox.is_full());
        assert_eq!(outbox.allocate(Form::Post, 0, "c"), None);
        outbox.release(first);
        assert_eq!(outbox.used(), 1);
        let third = outbox.allocate(Form::Post, 0, "c").unwrap();
        assert_eq!(
            outbox.at(third).id().number(),
            4,
            "a failed command used a number"
        );
    }

    #[test]
    fn gives_messages_the_time_of_day() {
        let mut slots = [OutboxSlot::VACANT; 2];
        let mut outbox = Outbox::new(&mut slots).unwrap();
        let early = outbox.allocate(Form::Direct, 3, "a").unwrap();
        outbox.set_wall(UnixSeconds(1_000));
        let late = outbox.allocate(Form::Direct, 3, "b").unwrap();
        let sent_at = [early, late].map(|slot| outbox.at(slot).text().sent_at());
        assert_eq!(sent_at, [UnixSeconds(0), UnixSeconds(1_000)]);
    }

    #[test]
    fn reports_commands_in_order_of_first_notice() {
        let mut slots = [OutboxSlot::VACANT; 2];
        let mut outbox = Outbox::new(&mut slots).unwrap();
        let [one, two] = [1, 2].map(|to| outbox.allocate(Form::Direct, to, "a").unwrap());
        let end = Final::Message(MessageStatus::Saved);
        outbox.notice(two).sent_to_server();
        outbox.settle(one, Final::Offline);
        outbox.settle(two, end);
        let taken = [(); 4].map(|()| outbox.next_notice());
        let expected = [
            Some((two, Notice::Status(MessageStatus::SentToServer))),
            Some((two, Notice::Final(end))),
            Some((one, Notice::Final(Final::Offline))),
            None,
        ];
        assert_eq!(taken, expected);
        assert!(!outbox.has_notices());
    }

    #[test]
    fn gives_no_number_twice() {
        let mut slots = [OutboxSlot::VACANT; 3];
        let mut outbox = Outbox::new(&mut slots).unwrap();
        outbox.skip_to(u32::MAX - RESERVED - 1);
        let last = outbox.allocate(Form::Direct, 1, "a").unwrap();
        assert_eq!(outbox.at(last).counter(), u32::MAX - RESERVED);
        assert!(!outbox.has_numbers());
        assert_eq!(outbox.allocate(Form::Direct, 1, "a"), None);
        assert!(outbox.allocate(Form::Leave, 0, "").is_some());
        outbox.skip_to(u32::MAX - 1);
        assert_eq!(outbox.number(), Some(CommandId(u32::MAX)));
        assert_eq!(outbox.number(), None);
        assert_eq!(outbox.allocate(Form::Leave, 0, ""), None);
        assert_eq!(outbox.used(), 2, "no slot is lost");
    }
}
