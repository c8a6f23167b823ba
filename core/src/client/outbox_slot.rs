//! One unsettled command.

use super::command::CommandId;
use super::message_text::MessageText;
use super::notices::Notices;
use crate::containers::{Chained, Next};
use crate::name::Name;
use crate::wire::Frame;

/// What an outbox slot is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// To the recipient.
    Direct,
    /// To the server, to find the recipient; the message follows.
    Lookup,
    /// To the server: who is this caller? No command, and nothing to report.
    CallerLookup,
    /// To the server, to be stored.
    Store,
    /// To the server, to be stored unless the recipient can be reached; others wait for the result.
    Probe,
    Post,
    Leave,
}

impl Form {
    /// Returns whether the server answers it with an entry, and not with a numbered result.
    pub(super) fn is_lookup(self) -> bool {
        matches!(self, Self::Lookup | Self::CallerLookup)
    }
}

/// One unsettled command.
#[derive(Clone, Debug)]
pub struct OutboxSlot {
    /// Its number is also that of the message.
    id: CommandId,
    form: Form,
    /// The peer slot of the recipient.
    to: u32,
    /// Number of the request, while it is one.
    request: u32,
    /// Incarnation that was tried directly; 0 for none.
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

    /// Takes the place of a command that was reported to its end.
    pub(super) fn reset(&mut self, id: CommandId, form: Form, to: u32, text: &str) {
        (self.id, self.form, self.to, self.request) = (id, form, to, 0);
        self.text.set(text);
    }

    pub(super) fn id(&self) -> CommandId {
        self.id
    }

    /// Returns the number of the message among all of this process.
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

    /// Returns the number of the request; 0 if it was none yet.
    pub(super) fn request(&self) -> u32 {
        self.request
    }

    pub(super) fn set_form(&mut self, form: Form) {
        self.form = form;
    }

    /// Numbers it among the requests.
    pub(super) fn set_request(&mut self, number: u32) {
        self.request = number;
    }

    /// Goes to the server, which is told the incarnation that was tried directly, if one was.
    pub(super) fn store_as(&mut self, form: Form, tried: u64) {
        (self.form, self.tried) = (form, tried);
    }

    /// Returns whether it has ended and that was not reported yet.
    pub(super) fn is_settled(&self) -> bool {
        self.notices.is_settled()
    }

    /// Returns what is to be reported of it.
    pub(super) fn notices(&mut self) -> &mut Notices {
        &mut self.notices
    }

    pub(super) fn text(&self) -> &MessageText {
        &self.text
    }

    pub(super) fn text_mut(&mut self) -> &mut MessageText {
        &mut self.text
    }

    /// Returns what it says, as a frame. `to` gives the name of the recipient, if the frame has it.
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
        }
    }
}

/// The chain of the queue that a slot waits in.
impl Chained for OutboxSlot {
    fn next(&self) -> Next {
        self.next_in_queue
    }

    fn next_mut(&mut self) -> &mut Next {
        &mut self.next_in_queue
    }
}

/// The chain of the slots that have something to report.
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
    fn bounces_only_as_a_scout() {
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
    fn has_number_of_its_command_as_a_message() {
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
