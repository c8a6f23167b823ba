//! Output of the display at a terminal.

use std::io::{self, Write};
use std::sync::Arc;

use rustyline::ExternalPrinter;

use super::gate::{Gate, NOTHING, Way};

/// Writes above the line that is being typed, or directly while there is none.
#[derive(Debug)]
pub(crate) struct Screen<W: Write> {
    gate: Arc<Gate>,
    terminal: W,
}

impl<W: Write> Screen<W> {
    /// Starts the printer, the thread that waits for the editor.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(
        gate: Arc<Gate>,
        mut printer: impl ExternalPrinter + Send + 'static,
        terminal: W,
    ) -> io::Result<Self> {
        let jobs = Arc::clone(&gate);
        std::thread::Builder::new()
            .name("printer".into())
            .spawn(move || {
                while let Some(text) = jobs.next_job() {
                    let texts = [text, NOTHING.into(), NOTHING.into()];
                    let shown = texts.into_iter().try_for_each(|text| printer.print(text));
                    if shown.is_err() {
                        // The writer writes the rest after it takes over the terminal.
                        return;
                    }
                    jobs.printed();
                }
            })?;
        Ok(Self { gate, terminal })
    }
}

impl<W: Write> Write for Screen<W> {
    /// Accepts whole lines, and writes all of them.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.gate.begin_writing() == Way::ThroughEditor {
            if self.gate.print(&String::from_utf8_lossy(lines)) {
                return Ok(lines.len());
            }
            self.gate.take_over();
        }
        self.terminal.write_all(lines)?;
        self.terminal.flush()?;
        self.gate.written();
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.gate.close();
        self.gate.take_over();
        self.gate.restore_terminal();
    }
}
