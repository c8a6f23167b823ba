//! Creates the pictures of the README: two clients chat in real terminals, and their screens become
//! SVG.
//!
//! ```sh
//! cargo run --bin picture -- pictures
//! ```

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "pictures".into());
    std::fs::create_dir_all(&folder)?;
    for (name, screen) in session::play() {
        let path = format!("{folder}/{name}.svg");
        std::fs::write(&path, svg::draw(name, &screen))?;
        println!("{path}");
    }
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("pictures are made where there are pseudo-terminals");
}

#[cfg(unix)]
mod session {
    use chatapp_e2e::{BYE, KEPT, Room, Screen, received_by};

    const ROWS: u16 = 21;
    const COLUMNS: u16 = 76;

    /// Plays a conversation, and returns the final screens of Alice and Bob.
    pub(super) fn play() -> [(&'static str, vt100::Screen); 2] {
        let room = Room::open();
        let join = |name: &str| {
            let screen = Screen::join(room.address(), name, &[]);
            screen.has_size(ROWS, COLUMNS);
            screen
        };
        let alice = join("alice");
        let bob = join("bob");
        let carol = join("carol");
        alice.types("send b\t");
        alice.types_at(">>> send bob ");
        alice.types("Hi Bob! Tea?\r");
        bob.shows("alice: Hi Bob! Tea?");
        alice.shows(&received_by("bob"));
        bob.types("send_all Tea for everybody, in five minutes.\r");
        carol.shows("Tea for everybody");
        alice.shows("Tea for everybody");
        carol.types("send_all Lovely, I bring the biscuits 🍪\r");
        bob.shows("Lovely");
        alice.shows("Lovely");
        bob.types("dereg bob\r");
        bob.shows(BYE);
        alice.types("send bob Milk or lemon?\r");
        alice.shows("[Messages received by the server and saved]");
        bob.types("reg bob\r");
        bob.shows(KEPT);
        bob.shows("Milk or lemon?");
        bob.types("sned alice Lemon!\r");
        bob.shows("Did you mean send?");
        bob.types("send alice Lemon!\r");
        alice.shows("bob: Lemon!");
        bob.shows(&received_by("alice"));
        carol.types("quit\r");
        carol.shows(BYE);
        alice.waits_until("carol gone", |screen| {
            // The client shows changes of the table 200 ms after they arrive.
            screen
                .contents()
                .trim_end()
                .ends_with("[Client table updated.]\n>>>")
        });
        alice.types("table\r");
        alice.shows("offline");
        // A message arrives while this line is half typed.
        alice.types("send bob I am almost the");
        alice.types_at(">>> send bob I am almost the");
        bob.types("send alice Where are you?\r");
        alice.shows("bob: Where are you?");
        bob.types("\x12tea");
        bob.types("\x7f\x7f\x7fTea");
        bob.shows("`Tea': send_all Tea");
        [("alice", alice.picture()), ("bob", bob.picture())]
    }
}

#[cfg(unix)]
mod svg {
    use std::fmt::Write;

    use vt100::{Cell, Color, Screen};

    /// Size of a cell, in the units of the picture.
    const CELL: (f32, f32) = (8.4, 18.0);
    const MARGIN: f32 = 14.0;
    const TITLE_HEIGHT: f32 = 30.0;

    const BACKGROUND: &str = "#16181d";
    const FOREGROUND: &str = "#d7dae0";
    /// Palette of the 16 terminal colours.
    const PALETTE: [&str; 16] = [
        "#3b4048", "#e06c75", "#98c379", "#d19a66", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
        "#5c6370", "#ff7b86", "#b5e890", "#e5c07b", "#82c4ff", "#de9bf0", "#7fdbe6", "#ffffff",
    ];

    /// Draws a terminal window with this title.
    pub(super) fn draw(title: &str, screen: &Screen) -> String {
        let (rows, columns) = screen.size();
        let width = f32::from(columns.get()) * CELL.0 + 2.0 * MARGIN;
        let height = f32::from(rows.get()) * CELL.1 + 2.0 * MARGIN + TITLE_HEIGHT;
        let mut svg = format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" "#,
                r#"width="{width:.0}" height="{height:.0}" role="img" "#,
                r#"aria-label="The terminal of {title}">"#,
                "\n",
                r#"<rect width="100%" height="100%" rx="8" fill="{background}"/>"#,
                "\n",
                r##"<circle cx="18" cy="18" r="5" fill="#e06c75"/>"##,
                r##"<circle cx="36" cy="18" r="5" fill="#e5c07b"/>"##,
                r##"<circle cx="54" cy="18" r="5" fill="#98c379"/>"##,
                "\n",
                r#"<text x="50%" y="22" text-anchor="middle" font-family="sans-serif" "#,
                r##"font-size="13" fill="#8a919e">{title}</text>"##,
                "\n",
                r#"<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" "#,
                r#"font-size="14" xml:space="preserve">"#,
                "\n",
            ),
            width = width,
            height = height,
            title = title,
            background = BACKGROUND,
        );
        for row in 0..rows.get() {
            draw_row(&mut svg, screen, row, columns.get());
        }
        let (row, column) = screen.cursor_position();
        let (x, y) = place(row, column);
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            concat!(
                r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" "#,
                r#"fill="{}" opacity="0.55"/>"#
            ),
            x,
            y - CELL.1 + 4.5,
            CELL.0,
            CELL.1,
            FOREGROUND
        );
        svg + "</g>\n</svg>\n"
    }

    /// Returns the position of the text of a cell: its left end, on its baseline.
    fn place(row: u16, column: u16) -> (f32, f32) {
        let x = MARGIN + f32::from(column) * CELL.0;
        let y = TITLE_HEIGHT + MARGIN + (f32::from(row) + 0.75) * CELL.1;
        (x, y)
    }

    /// Draws one row; cells of the same style share a text element.
    fn draw_row(svg: &mut String, screen: &Screen, row: u16, columns: u16) {
        let mut column = 0;
        while column < columns {
            let Some(first) = screen.cell(row, column) else {
                return;
            };
            let start = column;
            let mut text = String::new();
            while let Some(cell) = screen
                .cell(row, column)
                .filter(|cell| looks_like(cell, first))
            {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() {
                        cell.contents()
                    } else {
                        " "
                    });
                }
                column += 1;
            }
            if !text.trim().is_empty() {
                draw_text(svg, place(row, start), column - start, &text, first);
            }
        }
    }

    fn looks_like(a: &Cell, b: &Cell) -> bool {
        (a.fgcolor(), a.bold(), a.dim()) == (b.fgcolor(), b.bold(), b.dim())
    }

    fn draw_text(svg: &mut String, (x, y): (f32, f32), cells: u16, text: &str, look: &Cell) {
        let fill = match look.fgcolor() {
            Color::Idx(index) => PALETTE[usize::from(index) % PALETTE.len()].into(),
            Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
            Color::Default => FOREGROUND.to_owned(),
        };
        let weight = if look.bold() {
            r#" font-weight="bold""#
        } else {
            ""
        };
        let opacity = if look.dim() { r#" opacity="0.6""# } else { "" };
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let length = f32::from(cells) * CELL.0;
        let _ = writeln!(
            svg,
            concat!(
                r#"<text x="{:.1}" y="{:.1}" textLength="{:.1}" "#,
                r#"fill="{}"{}{}>{}</text>"#
            ),
            x, y, length, fill, weight, opacity, escaped
        );
    }
}
