//! Memory for one unsettled command.

use super::command::CommandId;
use super::message_text::MessageText;
use super::notices::Notices;
use crate::containers::{Chained, Next};
use crate::name::Name;
use crate::wire::Frame;

/// The form in which an outbox slot is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A message to the recipient.
    Direct,
    /// A lookup of the recipient; the message follows.
    Lookup,
    /// A lookup of a caller: not a command, and without notices.
    CallerLookup,
    /// A message for the server to store.
    Store,
    /// A message for the server to store unless the recipient is reachable; others wait for its
    /// result.
    Probe,
    Post,
    Leave,
    /// A lookup of the recipient for its medium-term key, of a message for the server to store. The
    /// user has read that it goes there.
    #[cfg(feature = "medium-keys")]
    KeyLookup,
    /// The publication of a medium-term key: not a command, and without notices.
    #[cfg(feature = "medium-keys")]
    Publication,
    /// The question for the end of the messages for an earlier medium-term key: not a command, and
    /// without notices.
    #[cfg(feature = "medium-keys")]
    Clearing,
}

impl Form {
    /// Returns whether the server answers with an entry, and not with a numbered result.
    pub(super) fn is_lookup(self) -> bool {
        #[cfg(feature = "medium-keys")]
        if matches!(self, Self::KeyLookup | Self::Clearing) {
            return true;
        }
        matches!(self, Self::Lookup | Self::CallerLookup)
    }
}

/// Memory for one unsettled command.
#[derive(Clone, Debug)]
pub struct OutboxSlot {
    /// The id of the command; its number is also the counter of the message.
    id: CommandId,
    form: Form,
    /// The peer slot of the recipient.
    to: u32,
    /// The number of the request, while it is one.
    request: u32,
    /// The incarnation whose direct path failed; 0 for none.
    tried: u64,
    next_in_queue: Next,
    next_noticed: Next,
    notices: Notices,
    text: MessageText,
}

impl OutboxSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        id: CommandId(0),
        form: Form::Direct,
        to: 0,
        request: 0,
        tried: 0,
        next_in_queue: Next::NONE,
        next_noticed: Next::NONE,
        notices: Notices::NONE,
        text: MessageText::EMPTY,
    };

    /// Resets the slot for a new command.
    pub(super) fn reset(&mut self, id: CommandId, form: Form, to: u32, text: &str) {
        (self.id, self.form, self.to, self.request) = (id, form, to, 0);
        self.text.set(text);
    }

    pub(super) fn id(&self) -> CommandId {
        self.id
    }

    /// Returns the counter of the message, unique in this process.
    pub(super) fn counter(&self) -> u32 {
        self.id.number()
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Returns the peer slot of the recipient.
    pub(super) fn to(&self) -> u32 {
        self.to
    }

    /// Returns the number of the request; 0 if it is none yet.
    pub(super) fn request(&self) -> u32 {
        self.request
    }

    pub(super) fn set_form(&mut self, form: Form) {
        self.form = form;
    }

    /// Sets the number of the request.
    pub(super) fn set_request(&mut self, number: u32) {
        self.request = number;
    }

    /// Sets the form of a message to the server, and the incarnation whose direct path failed, or
    /// 0.
    pub(super) fn store_as(&mut self, form: Form, tried: u64) {
        (self.form, self.tried) = (form, tried);
    }

    /// Returns whether the command has ended and its result was not reported yet.
    pub(super) fn is_settled(&self) -> bool {
        self.notices.is_settled()
    }

    /// Returns the mutable notices of the command.
    pub(super) fn notices(&mut self) -> &mut Notices {
        &mut self.notices
    }

    pub(super) fn text(&self) -> &MessageText {
        &self.text
    }

    pub(super) fn text_mut(&mut self) -> &mut MessageText {
        &mut self.text
    }

    /// Builds the frame of the command. `to` returns the name of the recipient, if the frame needs
    /// it.
    pub(super) fn frame<'a>(&'a self, to: impl FnOnce() -> &'a Name) -> Frame<'a> {
        let (request, counter) = (self.request, self.counter());
        match self.form {
            Form::Direct => Frame::Text {
                counter,
                text: self.text.as_bytes(),
            },
            Form::Lookup | Form::CallerLookup => Frame::Lookup {
                query: counter,
                name: to().as_str(),
            },
            Form::Store | Form::Probe => Frame::Store {
                request,
                counter,
                tried: self.tried,
                bounce: self.form == Form::Probe,
                to: to().as_str(),
                ciphertext: self.text.stored(),
            },
            Form::Post => Frame::Post {
                request,
                counter,
                text: self.text.as_str(),
            },
            Form::Leave => Frame::Leave { request },
            #[cfg(feature = "medium-keys")]
            Form::KeyLookup => Frame::Lookup {
                query: counter,
                name: to().as_str(),
            },
            #[cfg(feature = "medium-keys")]
            Form::Publication => Frame::Store {
                request,
                counter,
                tried: 0,
                bounce: false,
                to: "",
                ciphertext: self.text.publication(),
            },
            #[cfg(feature = "medium-keys")]
            Form::Clearing => Frame::Lookup {
                query: counter,
                name: "",
            },
        }
    }
}

/// Links the slots of the queue that a slot is in.
impl Chained for OutboxSlot {
    fn next(&self) -> Next {
        self.next_in_queue
    }

    fn next_mut(&mut self) -> &mut Next {
        &mut self.next_in_queue
    }
}

/// Links the slots that have notices.
pub(super) struct Noticed;

impl Chained<Noticed> for OutboxSlot {
    fn next(&self) -> Next {
        self.next_noticed
    }

    fn next_mut(&mut self) -> &mut Next {
        &mut self.next_noticed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Name = Name::VACANT;

    #[test]
    fn bounces_only_as_a_probe() {
        let mut entry = OutboxSlot::VACANT;
        entry.reset(CommandId(5), Form::Direct, 1, "hello");
        for (form, expected) in [(Form::Store, false), (Form::Probe, true)] {
            entry.store_as(form, 7);
            let Frame::Store { tried, bounce, .. } = entry.frame(|| &NAME) else {
                panic!("another frame");
            };
            assert_eq!((tried, bounce), (7, expected));
        }
    }

    #[test]
    fn uses_its_command_number_as_counter() {
        let mut entry = OutboxSlot::VACANT;
        entry.reset(CommandId(5), Form::Post, 0, "hello");
        entry.set_request(2);
        let (request, counter, text) = (2, 5, "hello");
        let expected = Frame::Post {
            request,
            counter,
            text,
        };
        assert_eq!(entry.frame(|| &NAME), expected);
    }
}
