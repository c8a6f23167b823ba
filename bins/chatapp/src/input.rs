//! Typed lines, from a thread that waits for them.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use chatapp_mio::Waker;

/// Lines that are read ahead. Behind them the reading stops, and whoever writes to this program waits.
const WAITING_MAX: usize = 64;

/// Longest line that is read whole, in bytes. No command is nearly as long; up to here the refusal of a text can
/// say how long it is.
const LINE_LEN_MAX: usize = 64 << 10;

/// What came from the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line, without its end.
    Line(String),
    /// A line of this many bytes, too long to be anything.
    TooLong(usize),
    /// A line that is not UTF-8.
    NotUtf8,
}

/// What there is to take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Typed(Typed),
    /// Nothing at this moment; the waker is called when that changes.
    Nothing,
    /// Nothing any more.
    End,
}

/// Takes lines from a thread that reads them.
#[derive(Debug)]
pub(crate) struct Input {
    lines: Receiver<Typed>,
    /// The waker was called, and what it was called for was not looked at.
    announced: Arc<AtomicBool>,
}

impl Input {
    /// Starts the thread that reads standard input, and wakes `waker` when there is something new.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(waker: Waker) -> io::Result<Self> {
        let (sender, lines) = sync_channel(WAITING_MAX);
        let announced = Arc::new(AtomicBool::new(false));
        let to_announce = Arc::clone(&announced);
        let announce = move || {
            if !to_announce.swap(true, Ordering::SeqCst) {
                waker.wake();
            }
        };
        std::thread::Builder::new()
            .name("input".into())
            .spawn(move || {
                let mut input = io::stdin().lock();
                // An input that fails has ended.
                while let Ok(Some(typed)) = read(&mut input) {
                    if sender.send(typed).is_err() {
                        return;
                    }
                    announce();
                }
                drop(sender);
                announce();
            })?;
        Ok(Self { lines, announced })
    }

    /// Takes the next line.
    pub(crate) fn next(&mut self) -> Next {
        match self.lines.try_recv() {
            Ok(typed) => return Next::Typed(typed),
            Err(TryRecvError::Disconnected) => return Next::End,
            Err(TryRecvError::Empty) => {}
        }
        // Whatever comes from here on is announced again; what came before is looked at once more.
        self.announced.store(false, Ordering::SeqCst);
        match self.lines.try_recv() {
            Ok(typed) => Next::Typed(typed),
            Err(TryRecvError::Disconnected) => Next::End,
            Err(TryRecvError::Empty) => Next::Nothing,
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
        return Ok(Some(Typed::TooLong(line.len() + rest)));
    }
    Ok(Some(
        String::from_utf8(line).map_or(Typed::NotUtf8, Typed::Line),
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
        let too_long = Typed::TooLong(LINE_LEN_MAX + 2);
        assert_eq!(
            all(input.as_bytes()),
            [
                line(&long),
                Typed::TooLong(LINE_LEN_MAX + 2),
                line("ok"),
                too_long
            ]
        );
        assert_eq!(all(b"\xff\nok\n"), [Typed::NotUtf8, line("ok")]);
    }
}
