//! The channel of `ChatApp admin` in a server's folder, on systems that have one.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use chatapp_mio::Waker;

use crate::answer::Answer;
use crate::platform::admin::Listener;

/// Time that the server has for an order: as long as the store takes.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The process that gave an order, and waits for the answer.
pub(crate) struct Caller(SyncSender<String>);

impl Caller {
    /// Answers, as one line of JSON.
    pub(crate) fn answer(self, answer: &Answer) {
        if let Ok(line) = serde_json::to_string(answer) {
            // A caller that is gone needs no answer.
            let _ = self.0.try_send(line);
        }
    }
}

/// The channel, which a thread serves: one caller after the other.
pub(crate) struct AdminSocket {
    orders: Receiver<(String, Caller)>,
    _listener: Listener,
}

impl AdminSocket {
    /// Returns the next order and its caller.
    pub(crate) fn poll(&self) -> Option<(String, Caller)> {
        self.orders.try_recv().ok()
    }

    /// Listens in a folder that only this server uses. `None` if the system has no such channel.
    ///
    /// # Errors
    /// Returns an error if the channel or a thread cannot be made.
    pub(crate) fn listen(folder: &Path, waker: Waker) -> io::Result<Option<Self>> {
        let (sender, orders) = sync_channel(1);
        let listener = Listener::start(folder, move |order| {
            let (caller, answer) = sync_channel(1);
            sender.send((order, Caller(caller))).ok()?;
            waker.wake();
            answer.recv_timeout(ANSWER_TIME).ok()
        })?;
        Ok(listener.map(|listener| Self {
            orders,
            _listener: listener,
        }))
    }
}
