//! Console on a serial line: reads typed lines with echo and correction, and shows lines above the
//! one being typed.

use core::fmt;

use embedded_io::{Read, ReadReady, Write};

use chatapp_core::limits::{NAME_LEN_MAX, TEXT_LEN_MAX};

/// Maximum length of a typed line in bytes. It exceeds the longest command, so that the error about
/// a long text can state its length.
pub const TYPED_LEN_MAX: usize = "send_all ".len() + NAME_LEN_MAX + TEXT_LEN_MAX + 64;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const ESCAPE: u8 = 0x1b;
const CONTROL_C: u8 = 0x03;
const CONTROL_D: u8 = 0x04;
const CONTROL_U: u8 = 0x15;

/// Input from a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed<'a> {
    /// A line without its line end.
    Line(&'a str),
    /// A line that cannot be used, with the reason.
    Unusable(LineError),
    /// Ctrl-C, or Ctrl-D on an empty line: the user wants to leave.
    End,
}

/// Reason why a line cannot be used; its [`Display`](fmt::Display) form is a line for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// The line has this many bytes, more than any command.
    TooLong(usize),
    /// The line is not UTF-8.
    NotUtf8,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => {
                write!(f, "[The line has {len} bytes; no command is that long.]")
            }
            Self::NotUtf8 => f.write_str("[The line is not UTF-8; it was not sent.]"),
        }
    }
}

impl core::error::Error for LineError {}

/// Console on a serial port.
///
/// Reading never blocks. Writing blocks until the port has accepted the output, so a long text
/// takes as long as the port needs for it.
#[derive(Debug)]
pub struct SerialConsole<P> {
    port: P,
    /// Whether a person types: the console echoes the keys and allows corrections. Off for a
    /// program at the other end.
    echo: bool,
    typed: [u8; TYPED_LEN_MAX],
    /// Length of the line in bytes, including those that did not fit.
    len: usize,
    state: State,
    /// The last byte was a carriage return: a line feed after it belongs to the same line end.
    after_return: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Typing,
    /// Inside an escape sequence, after its first byte.
    Escape,
    Sequence,
    /// The console has returned the line to the caller.
    Given,
    /// The caller wants the line once more.
    Kept,
}

/// Meaning of a byte.
enum Key {
    Nothing,
    Enter,
    End,
}

impl<P: Read + ReadReady + Write> SerialConsole<P> {
    /// Creates a console on this port. `echo` selects a person, who sees the typed keys and can
    /// correct them, or else a program.
    pub const fn new(port: P, echo: bool) -> Self {
        Self {
            port,
            echo,
            typed: [0; TYPED_LEN_MAX],
            len: 0,
            state: State::Typing,
            after_return: false,
        }
    }

    /// Selects a person or a program at the other end, from now on.
    pub fn set_echo(&mut self, echo: bool) {
        self.echo = echo;
    }

    /// Reads input up to the end of a line. Returns the line with an output for answers, or `None`
    /// if there is no complete line yet.
    ///
    /// # Errors
    /// Returns the error of the port.
    pub fn read_line(&mut self) -> Result<Option<(Typed<'_>, Answers<'_, P>)>, P::Error> {
        match self.state {
            State::Kept => {
                self.state = State::Given;
                return Ok(Some(self.given()));
            }
            State::Given => {
                self.len = 0;
                self.state = State::Typing;
            }
            _ => {}
        }
        while self.port.read_ready()? {
            let mut byte = [0];
            if self.port.read(&mut byte)? == 0 {
                break;
            }
            match self.take(byte[0])? {
                Key::Nothing => {}
                Key::Enter => {
                    self.state = State::Given;
                    return Ok(Some(self.given()));
                }
                Key::End => {
                    self.len = 0;
                    return Ok(Some((Typed::End, Answers(&mut self.port))));
                }
            }
        }
        Ok(None)
    }

    /// Lets the next [`read_line`](Self::read_line) return the last line again, for a caller
    /// without room for it. Until then the console reads nothing.
    pub fn keep_line(&mut self) {
        if self.state == State::Given {
            self.state = State::Kept;
        }
    }

    /// Shows a line above the one being typed.
    ///
    /// # Errors
    /// Returns the error of the port.
    pub fn show(&mut self, line: impl fmt::Display) -> Result<(), P::Error> {
        self.show_words(format_args!("{line}\n"))
    }

    /// Not generic, so that lines of all kinds share its code.
    fn show_words(&mut self, words: fmt::Arguments<'_>) -> Result<(), P::Error> {
        let covers = self.echo && self.len != 0 && !self.is_given();
        if covers {
            self.port.write_all(b"\r\x1b[K")?;
        }
        write_words(&mut self.port, words)?;
        if covers {
            let typed = self.typed.get(..self.len).unwrap_or(&self.typed);
            self.port.write_all(typed)?;
        }
        self.port.flush()
    }

    /// Returns the port, for output without lines.
    pub fn port(&mut self) -> &mut P {
        &mut self.port
    }

    fn is_given(&self) -> bool {
        matches!(self.state, State::Given | State::Kept)
    }

    fn given(&mut self) -> (Typed<'_>, Answers<'_, P>) {
        let typed = match self.typed.get(..self.len).map(core::str::from_utf8) {
            None => Typed::Unusable(LineError::TooLong(self.len)),
            Some(Err(_)) => Typed::Unusable(LineError::NotUtf8),
            Some(Ok(line)) => Typed::Line(line),
        };
        (typed, Answers(&mut self.port))
    }

    fn take(&mut self, byte: u8) -> Result<Key, P::Error> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        match self.state {
            State::Escape => {
                self.state = if matches!(byte, b'[' | b'O') {
                    State::Sequence
                } else {
                    State::Typing
                };
                return Ok(Key::Nothing);
            }
            State::Sequence => {
                if (0x40..=0x7e).contains(&byte) {
                    self.state = State::Typing;
                }
                return Ok(Key::Nothing);
            }
            _ => {}
        }
        match byte {
            b'\n' if after_return => {}
            b'\r' | b'\n' => {
                self.echo(b"\r\n")?;
                return Ok(Key::Enter);
            }
            _ if !self.echo => self.push(byte),
            CONTROL_C => return Ok(Key::End),
            CONTROL_D if self.len == 0 => return Ok(Key::End),
            CONTROL_U => {
                self.len = 0;
                self.echo(b"\r\x1b[K")?;
            }
            BACKSPACE | DELETE => self.rub_out()?,
            ESCAPE => self.state = State::Escape,
            b'\t' => {
                self.push(byte);
                self.echo(b" ")?;
            }
            // The console ignores other control keys.
            0..=0x1f => {}
            _ => {
                self.push(byte);
                self.echo(&[byte])?;
            }
        }
        Ok(Key::Nothing)
    }

    /// Stores a byte; after the maximum length, only counts it.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.typed.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    /// Removes the last character with all of its bytes.
    fn rub_out(&mut self) -> Result<(), P::Error> {
        while let Some(last) = self.len.checked_sub(1) {
            self.len = last;
            // Continuation bytes of a character begin with the bits 10.
            let continues = self.typed.get(last).is_some_and(|byte| byte & 0xc0 == 0x80);
            if !continues {
                return self.echo(b"\x08 \x08");
            }
        }
        Ok(())
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<(), P::Error> {
        if self.echo {
            self.port.write_all(bytes)?;
            self.port.flush()?;
        }
        Ok(())
    }
}

/// Output for answers to a line.
#[derive(Debug)]
pub struct Answers<'a, P>(&'a mut P);

impl<P: Write> Answers<'_, P> {
    /// Shows a line.
    ///
    /// # Errors
    /// Returns the error of the port.
    pub fn show(&mut self, line: impl fmt::Display) -> Result<(), P::Error> {
        write_words(self.0, format_args!("{line}\n"))
    }
}

/// Writes words. A formatting error ends them early; only an error of the port is returned.
fn write_words<P: Write>(port: &mut P, words: fmt::Arguments<'_>) -> Result<(), P::Error> {
    let mut failure = None;
    let mut out = Out {
        port,
        failure: &mut failure,
    };
    let _ = fmt::Write::write_fmt(&mut out, words);
    failure.map_or(Ok(()), Err)
}

/// Writes to a port and stores its error. A terminal needs two characters for a line end.
struct Out<'a, P: Write> {
    port: &'a mut P,
    failure: &'a mut Option<P::Error>,
}

impl<P: Write> fmt::Write for Out<'_, P> {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        let mut write = |words: &str| {
            self.port.write_all(words.as_bytes()).map_err(|failure| {
                *self.failure = Some(failure);
                fmt::Error
            })
        };
        let mut rest = words;
        while let Some((line, behind)) = rest.split_once('\n') {
            write(line)?;
            write("\r\n")?;
            rest = behind;
        }
        write(rest)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::VecDeque;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// Port whose other end is the test.
    #[derive(Default)]
    struct Wire {
        typed: VecDeque<u8>,
        shown: Vec<u8>,
    }

    impl embedded_io::ErrorType for Wire {
        type Error = core::convert::Infallible;
    }

    impl ReadReady for Wire {
        fn read_ready(&mut self) -> Result<bool, Self::Error> {
            Ok(!self.typed.is_empty())
        }
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
            buffer[0] = self.typed.pop_front().unwrap();
            Ok(1)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
            self.shown.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    fn console(echo: bool) -> SerialConsole<Wire> {
        SerialConsole::new(Wire::default(), echo)
    }

    /// Returns all results for these bytes.
    fn typed(console: &mut SerialConsole<Wire>, bytes: &[u8]) -> Vec<String> {
        console.port.typed.extend(bytes);
        let mut lines = Vec::new();
        while let Some(typed) = console.read_line().unwrap() {
            lines.push(match typed.0 {
                Typed::Line(line) => line.to_string(),
                Typed::Unusable(error) => error.to_string(),
                Typed::End => "<end>".to_string(),
            });
        }
        lines
    }

    fn next(console: &mut SerialConsole<Wire>) -> Option<Typed<'_>> {
        console.read_line().unwrap().map(|(typed, _)| typed)
    }

    fn shown(console: &mut SerialConsole<Wire>) -> String {
        String::from_utf8(core::mem::take(&mut console.port.shown)).unwrap()
    }

    #[test]
    fn accepts_the_line_ends_of_all_terminals() {
        let mut console = console(false);
        assert_eq!(
            typed(&mut console, b"a\rb\nc\r\nd\r\r\n"),
            ["a", "b", "c", "d", ""]
        );
        assert_eq!(typed(&mut console, b"half a "), [""; 0]);
        assert_eq!(typed(&mut console, b"line\n"), ["half a line"]);
        assert_eq!(shown(&mut console), "");
    }

    #[test]
    fn corrects_the_typed_line() {
        let mut console = console(true);
        assert_eq!(typed(&mut console, b"hj\x7fi\x08\x08\x08yo\r"), ["yo"]);
        assert_eq!(
            shown(&mut console),
            "hj\u{8} \u{8}i\u{8} \u{8}\u{8} \u{8}yo\r\n"
        );
        assert_eq!(typed(&mut console, "zoë🦀\x7f\x7f\r".as_bytes()), ["zo"]);
        assert_eq!(typed(&mut console, b"oh no\x15yes\r"), ["yes"]);
        // The console ignores cursor keys, a function key, Alt with a key, and a bell.
        assert_eq!(
            typed(&mut console, b"\x1b[A\x1bOP\x1b[15~\x1bxa\x07b\tc\r"),
            ["ab\tc"]
        );
    }

    #[test]
    fn takes_lines_of_a_program_unchanged() {
        let mut console = console(false);
        assert_eq!(
            typed(&mut console, b"\x03a\x08\x1b[2J\x7f\t\x15\x04\n"),
            ["\x03a\x08\x1b[2J\x7f\t\x15\x04"]
        );
        assert_eq!(shown(&mut console), "");
    }

    #[test]
    fn leaves_on_control_keys() {
        let mut console = console(true);
        assert_eq!(
            typed(&mut console, b"half\x03\x04a\x04b\r"),
            ["<end>", "<end>", "ab"]
        );
    }

    #[test]
    fn shows_lines_above_the_one_being_typed() {
        let mut console = console(true);
        assert_eq!(typed(&mut console, b"send b"), [""; 0]);
        shown(&mut console);
        console.show("bob: hi").unwrap();
        assert_eq!(shown(&mut console), "\r\u{1b}[Kbob: hi\r\nsend b");
        assert_eq!(typed(&mut console, b"ob hi\r"), ["send bob hi"]);
        shown(&mut console);
        console.show("two\nlines").unwrap();
        assert_eq!(shown(&mut console), "two\r\nlines\r\n");
    }

    #[test]
    fn returns_a_kept_line_first() {
        let mut console = console(false);
        console.port.typed.extend(b"one\ntwo\n");
        assert_eq!(next(&mut console), Some(Typed::Line("one")));
        for _ in 0..2 {
            console.keep_line();
            console.show("busy").unwrap();
            assert_eq!(next(&mut console), Some(Typed::Line("one")));
        }
        assert_eq!(next(&mut console), Some(Typed::Line("two")));
        assert_eq!(next(&mut console), None);
        console.keep_line();
        assert_eq!(next(&mut console), None);
    }

    #[test]
    fn reports_why_a_line_is_unusable() {
        let mut console = console(true);
        let longest = "x".repeat(TYPED_LEN_MAX);
        let line = std::format!("{longest}\n{longest}yz\x7f\nshort\n\n");
        assert_eq!(
            typed(&mut console, line.as_bytes()),
            [
                longest.as_str(),
                &std::format!(
                    "[The line has {} bytes; no command is that long.]",
                    TYPED_LEN_MAX + 1
                ),
                "short",
                ""
            ]
        );
        assert_eq!(
            typed(&mut console, b"\xff\xfe\n"),
            ["[The line is not UTF-8; it was not sent.]"]
        );
    }
}
