//! Typed lines, read by a thread of their own.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use chatapp_console::LineError;
use chatapp_mio::Waker;

use crate::platform::{Requests, background};
use crate::terminal::{self, Editor, Gate, Keys};

/// Lines that are read ahead. At this limit the thread stops reading, which blocks the writer of
/// the pipe.
const WAITING_MAX: usize = 64;

/// Maximum line length in bytes; longer lines are skipped. No valid command is nearly as long. The
/// limit is large so that an error about a long text can state its length.
const LINE_LEN_MAX: usize = 64 << 10;

/// A result of reading the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line without its line end.
    Line(String),
    /// A line that cannot be used, with the reason.
    Unusable(LineError),
    /// Notice for the user about the input.
    Notice(String),
}

/// Message from the reading thread.
enum Sent {
    Typed(Typed),
    /// The line editor waits until the client has processed its previous lines.
    Ready,
}

/// Result of asking for the next item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Typed(Typed),
    /// No item now; the thread wakes the waker when one arrives.
    Nothing,
    /// The input has ended.
    End,
}

/// Receives lines from the thread that reads them.
pub(crate) struct Input {
    sent: Receiver<Sent>,
    /// Sender that no thread uses: while it exists, the input does not end.
    _kept_open: Option<SyncSender<Sent>>,
    /// The waker was woken for an item that was not taken yet.
    announced: Arc<AtomicBool>,
    /// Gate of the line editor, if there is one.
    gate: Option<Arc<Gate>>,
}

/// Sending half of an [`Input`].
struct Sender {
    sent: SyncSender<Sent>,
    announced: Arc<AtomicBool>,
    waker: Waker,
}

impl Sender {
    /// Sends an item; returns false if the receiver is gone.
    fn send(&self, sent: Sent) -> bool {
        let taken = self.sent.send(sent).is_ok();
        self.announce();
        taken
    }

    fn announce(&self) {
        if !self.announced.swap(true, Ordering::SeqCst) {
            self.waker.wake();
        }
    }

    /// Ends the input.
    fn end(self) {
        let Self {
            sent,
            announced,
            waker,
        } = self;
        drop(sent);
        announced.store(true, Ordering::SeqCst);
        waker.wake();
    }
}

impl Input {
    fn new(waker: Waker, gate: Option<Arc<Gate>>) -> (Sender, Self) {
        let (sender, sent) = sync_channel(WAITING_MAX);
        let announced = Arc::new(AtomicBool::new(false));
        let sender = Sender {
            sent: sender,
            announced: Arc::clone(&announced),
            waker,
        };
        let input = Self {
            sent,
            _kept_open: None,
            announced,
            gate,
        };
        (sender, input)
    }

    /// Creates an input of these lines, which then ends unless it `stays_open`.
    pub(crate) fn of_lines(lines: &[String], stays_open: bool) -> Self {
        let (sender, sent) = sync_channel(lines.len());
        for line in lines {
            // The channel has room for all lines.
            let _ = sender.try_send(Sent::Typed(Typed::Line(line.clone())));
        }
        Self {
            sent,
            _kept_open: stays_open.then_some(sender),
            announced: Arc::default(),
            gate: None,
        }
    }

    /// Starts the thread that reads standard input and wakes `waker` for new items.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(waker: Waker) -> io::Result<Self> {
        let (sender, input) = Self::new(waker, None);
        std::thread::Builder::new()
            .name("input".into())
            .spawn(move || {
                let mut input = io::stdin().lock();
                // An input that fails has ended.
                while let Ok(Some(typed)) = read(&mut input) {
                    if !sender.send(Sent::Typed(typed)) {
                        return;
                    }
                }
                sender.end();
            })?;
        Ok(input)
    }

    /// Works as [`start`](Self::start), for a program that also runs in the background of a
    /// terminal and [holds stops](background::hold_stops). It reads on in the foreground.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start_in_background(waker: Waker) -> io::Result<Self> {
        let (sender, input) = Self::new(waker, None);
        std::thread::Builder::new()
            .name("input".into())
            .spawn(move || {
                let mut input = io::stdin().lock();
                loop {
                    let typed = match read(&mut input) {
                        Ok(Some(typed)) => typed,
                        Err(_) if background::waits_for_foreground() => continue,
                        _ => break,
                    };
                    if !sender.send(Sent::Typed(typed)) {
                        return;
                    }
                }
                sender.end();
            })?;
        Ok(input)
    }

    /// Starts the thread of a line editor. Ctrl-C requests an orderly exit.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn edit(
        editor: Editor,
        gate: Arc<Gate>,
        requests: Requests,
        waker: Waker,
    ) -> io::Result<Self> {
        let (sender, input) = Self::new(waker, Some(gate));
        std::thread::Builder::new()
            .name("editor".into())
            .spawn(move || {
                terminal::edit(editor, |keys| match keys {
                    Keys::Line(line) if line.len() > LINE_LEN_MAX => {
                        sender.send(Sent::Typed(Typed::Unusable(LineError::TooLong(line.len()))))
                    }
                    Keys::Line(line) => sender.send(Sent::Typed(Typed::Line(line))),
                    Keys::NotUtf8 => sender.send(Sent::Typed(Typed::Unusable(LineError::NotUtf8))),
                    Keys::Notice(notice) => sender.send(Sent::Typed(Typed::Notice(notice))),
                    Keys::Ready => sender.send(Sent::Ready),
                    Keys::Interrupt => {
                        requests.request_exit();
                        false
                    }
                });
                sender.end();
            })?;
        Ok(input)
    }

    /// Takes the next line. The call tells the line editor that the client has processed the lines
    /// before it.
    pub(crate) fn next(&mut self) -> Next {
        loop {
            let sent = match self.sent.try_recv() {
                Err(TryRecvError::Empty) => {
                    // Later input sets the flag again; the second look at the queue finds earlier
                    // input.
                    self.announced.store(false, Ordering::SeqCst);
                    self.sent.try_recv()
                }
                sent => sent,
            };
            match sent {
                Ok(Sent::Typed(typed)) => return Next::Typed(typed),
                Ok(Sent::Ready) => {
                    if let Some(gate) = &self.gate {
                        gate.want_line();
                    }
                }
                Err(TryRecvError::Empty) => return Next::Nothing,
                Err(TryRecvError::Disconnected) => return Next::End,
            }
        }
    }
}

/// Reads a line; the last one may lack its line end. Returns `None` at the end of input.
fn read(input: &mut impl BufRead) -> io::Result<Option<Typed>> {
    let mut line = Vec::new();
    let limit = LINE_LEN_MAX as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() > LINE_LEN_MAX {
        let rest = skip_line(input)?;
        return Ok(Some(Typed::Unusable(LineError::TooLong(line.len() + rest))));
    }
    Ok(Some(
        String::from_utf8(line).map_or(Typed::Unusable(LineError::NotUtf8), Typed::Line),
    ))
}

/// Skips to the next line; returns the number of bytes before the line end.
fn skip_line(input: &mut impl BufRead) -> io::Result<usize> {
    let mut skipped = 0;
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (len, ends) = match end {
            Some(at) => (at, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        skipped += len;
        input.consume(len + usize::from(end.is_some()));
        if ends {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Typed> {
        std::iter::from_fn(|| read(&mut input).unwrap()).collect()
    }

    fn line(text: &str) -> Typed {
        Typed::Line(text.into())
    }

    #[test]
    fn keeps_blanks_and_removes_line_ends() {
        assert_eq!(
            all(b"send bob  hi \n\nsend bob hi\r\nquit"),
            [
                line("send bob  hi "),
                line(""),
                line("send bob hi"),
                line("quit")
            ]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn reports_and_skips_unusable_lines() {
        let long = "x".repeat(LINE_LEN_MAX);
        let input = format!("{long}\n{long}yz\nok\n{long}yz");
        let too_long = Typed::Unusable(LineError::TooLong(LINE_LEN_MAX + 2));
        assert_eq!(
            all(input.as_bytes()),
            [
                line(&long),
                Typed::Unusable(LineError::TooLong(LINE_LEN_MAX + 2)),
                line("ok"),
                too_long
            ]
        );
        assert_eq!(
            all(b"\xff\nok\n"),
            [Typed::Unusable(LineError::NotUtf8), line("ok")]
        );
    }
}
