//! Typed lines, from a thread that waits for them.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use chatapp_console::LineError;
use chatapp_mio::Waker;

use crate::signals::Asked;
use crate::terminal::{self, Editor, Gate, Keys};

/// Lines that are read ahead. Behind them the reading stops, and the writer of the pipe waits.
const WAITING_MAX: usize = 64;

/// Longest line that is read whole, in bytes. No command is nearly as long; up to here the refusal
/// of a text can say how long it is.
const LINE_LEN_MAX: usize = 64 << 10;

/// A result of reading the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line, without its end.
    Line(String),
    /// A line that is nothing; why.
    Unusable(LineError),
    /// Something to tell the person about the input.
    Notice(String),
}

/// A message of the threads.
enum Sent {
    Typed(Typed),
    /// The line editor waits until what it sent is dealt with.
    Ready,
}

/// The next item to take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Typed(Typed),
    /// Nothing at this moment; the waker is called when that changes.
    Nothing,
    /// Nothing any more.
    End,
}

/// Takes lines from a thread that reads them.
pub(crate) struct Input {
    sent: Receiver<Sent>,
    /// The other end, where no thread has it: the input does not end.
    _kept_open: Option<SyncSender<Sent>>,
    /// The waker was called, and what it was called for was not looked at.
    announced: Arc<AtomicBool>,
    /// The way to the line editor, if there is one.
    gate: Option<Arc<Gate>>,
}

/// The other end of an [`Input`].
struct Sender {
    sent: SyncSender<Sent>,
    announced: Arc<AtomicBool>,
    waker: Waker,
}

impl Sender {
    /// False if nobody takes it any more.
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

    /// Nothing more comes.
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

    /// These lines instead of an input, and then its end, unless it `stays_open`.
    pub(crate) fn of_lines(lines: &[String], stays_open: bool) -> Self {
        let (sender, sent) = sync_channel(lines.len());
        for line in lines {
            // There is room for all of them.
            let _ = sender.try_send(Sent::Typed(Typed::Line(line.clone())));
        }
        Self {
            sent,
            _kept_open: stays_open.then_some(sender),
            announced: Arc::default(),
            gate: None,
        }
    }

    /// Starts the thread that reads standard input, and wakes `waker` when there is something new.
    ///
    /// # Errors
    /// The operating system gives no thread.
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

    /// Starts the thread of a line editor. Ctrl-C asks to leave.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn edit(
        editor: Editor,
        gate: Arc<Gate>,
        asked: Asked,
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
                    Keys::Notice(notice) => sender.send(Sent::Typed(Typed::Notice(notice))),
                    Keys::Ready => sender.send(Sent::Ready),
                    Keys::Interrupt => {
                        asked.ask_to_leave();
                        false
                    }
                });
                sender.end();
            })?;
        Ok(input)
    }

    /// Takes the next line. Asking for it tells the line editor that those before it are dealt
    /// with.
    pub(crate) fn next(&mut self) -> Next {
        loop {
            let sent = match self.sent.try_recv() {
                Err(TryRecvError::Empty) => {
                    // Later input is announced again; the queue is checked once more for earlier
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

/// Reads a line; the last one may lack its end. `None` at the end of input.
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

/// Skips to the next line; returns the bytes in front of the line end.
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
    fn reads_lines_exactly() {
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
    fn what_is_no_line_of_text_is_told_and_skipped() {
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
