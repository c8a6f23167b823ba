//! Tests of the queue, with outputs that the test opens.

use super::*;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Output that accepts bytes only when the test allows it.
struct Valve {
    open: Receiver<()>,
    written: Sender<Vec<u8>>,
}

impl Write for Valve {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open.recv().map_err(|_| ErrorKind::BrokenPipe)?;
        self.written
            .send(bytes.to_vec())
            .map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Rig {
    display: Display<u32>,
    open: Sender<()>,
    written: Receiver<Vec<u8>>,
    woken: Receiver<()>,
}

fn rig(prompt: Prompt) -> Rig {
    let (open, opened) = channel();
    let (to_written, written) = channel();
    let (to_woken, woken) = channel();
    let valve = Valve {
        open: opened,
        written: to_written,
    };
    let wake = move || {
        let _ = to_woken.send(());
    };
    let display = Display::start(valve, prompt, WAITING_LEN, wake).unwrap();
    Rig {
        display,
        open,
        written,
        woken,
    }
}

fn shown(prompt: Prompt) -> String {
    let Rig {
        display,
        open,
        written,
        ..
    } = rig(prompt);
    for _ in 0..9 {
        open.send(()).unwrap();
    }
    display.line("[one]");
    display.entered();
    display.line("[two]");
    display.finish(|| false).unwrap();
    String::from_utf8(written.iter().flatten().collect()).unwrap()
}

#[test]
fn shows_prompts_as_selected() {
    assert_eq!(shown(Prompt::None), "[one]\n[two]\n");
    assert_eq!(shown(Prompt::Prefix), ">>> [one]\n>>> [two]\n");
    assert_eq!(shown(Prompt::Standing), ">>> [one]\n>>> >>> [two]\n>>> \n");
}

#[test]
fn reports_room_after_a_blocked_write() {
    let Rig {
        display,
        open,
        written,
        woken,
    } = rig(Prompt::None);
    let mut lines = 0;
    while display.has_room() {
        display.line(format_args!("{lines:01000}"));
        lines += 1;
        assert!(lines < 100, "the queue has no bound");
    }
    // The writer fetches the waiting bytes after it has written the current ones: these may be any
    // part of the lines, in several pieces.
    for _ in 0..lines {
        open.send(()).unwrap();
    }
    woken.recv().unwrap();
    assert!(display.has_room());
    display.finish(|| false).unwrap();
    let all: Vec<u8> = written.iter().flatten().collect();
    assert_eq!(all.len(), lines * 1_001, "lines were lost or repeated");
}

#[test]
fn returns_marks_once_their_lines_are_written() {
    let Rig {
        display,
        open,
        written,
        woken,
    } = rig(Prompt::Standing);
    let (to_recorded, recorded) = channel();
    display.record_with(move |marks: &[u32]| to_recorded.send(marks.to_vec()).unwrap());
    open.send(()).unwrap();
    assert_eq!(written.recv().unwrap(), PROMPT.as_bytes());
    display.line("[one]");
    display.mark(1);
    assert!(display.written().is_empty() && !display.has_returned_all());
    open.send(()).unwrap();
    woken.recv().unwrap();
    assert_eq!(recorded.recv().unwrap(), [1]);
    assert_eq!(display.written(), [1]);
    assert!(display.has_returned_all());
    // The line is written before it is marked.
    display.mark(7);
    woken.recv().unwrap();
    assert_eq!(
        (recorded.recv().unwrap(), display.written()),
        (vec![7], vec![7])
    );
    drop(open);
    display.line("[two]");
    display.mark(2);
    woken.recv().unwrap();
    assert!(display.is_broken() && display.written().is_empty());
    assert!(!display.has_returned_all());
}

/// Output that takes a few bytes of what it is offered.
struct Trickle(Sender<Vec<u8>>);

impl Write for Trickle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(3);
        let _ = self.0.send(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn counts_partly_taken_lines_as_unwritten() {
    let shared = Shared::<u32> {
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    shared
        .lock()
        .marks
        .extend([(6, 1), (12, 2)].map(|(end, content)| Mark { end, content }));
    for (len, expected) in [(3, vec![]), (3, vec![1]), (5, vec![]), (1, vec![2])] {
        assert_eq!(shared.note_taken(len, 0), !expected.is_empty());
        assert_eq!(mem::take(&mut shared.lock().written), expected);
    }
    let (sender, taken) = channel();
    let display = Display::<u32>::start(Trickle(sender), Prompt::None, 100, || {}).unwrap();
    display.line("[one line]");
    display.finish(|| false).unwrap();
    assert_eq!(taken.iter().flatten().collect::<Vec<u8>>(), b"[one line]\n");
}

#[test]
fn writes_pieces_of_whole_lines() {
    let short = "0123456\n".repeat(PIECE_LEN / 4);
    assert_eq!(piece_of(short.as_bytes()).len(), PIECE_LEN);
    let uneven = format!("{short:.5000}");
    assert_eq!(piece_of(&uneven.as_bytes()[1..]).len(), PIECE_LEN - 1);
    let long = "x".repeat(PIECE_LEN) + "xx\nnext\n";
    assert_eq!(piece_of(long.as_bytes()).len(), PIECE_LEN + 3);
    let endless = "x".repeat(2 * PIECE_LEN);
    assert_eq!(piece_of(endless.as_bytes()).len(), endless.len());
    assert_eq!(piece_of(b"one\n>>> "), b"one\n>>> ");
}

#[test]
fn reports_a_closed_output() {
    let Rig {
        display,
        open,
        written: _,
        woken,
    } = rig(Prompt::None);
    drop(open);
    display.line("[one]");
    woken.recv().unwrap();
    assert!(display.is_broken());
    assert!(!display.has_room());
    assert_eq!(
        display.finish(|| false).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
}
