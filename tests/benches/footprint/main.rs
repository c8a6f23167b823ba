//! Measures the footprint of the firmware: flash, RAM and stack depth of each image and each of its
//! parts, against the ceilings in this folder.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use chatapp_e2e::{ASKS_SETTINGS, BYE, Board, Firmware, POSTED, Room, TABLE, can_emulate};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

/// An image and its description.
struct Image {
    name: &'static str,
    /// Built with the null cipher instead of the cryptography.
    is_bare: bool,
    meaning: &'static str,
}

const fn image(name: &'static str, is_bare: bool, meaning: &'static str) -> Image {
    Image {
        name,
        is_bare,
        meaning,
    }
}

const IMAGES: [Image; 8] = [
    image("blank", true, "nothing: vectors, start, panic handler"),
    image(
        "core-client",
        true,
        "the client of the core, without cryptography",
    ),
    image(
        "core-server",
        true,
        "the server of the core, without cryptography",
    ),
    image("network", true, "the network, without the core"),
    image("client", true, "the whole client, without cryptography"),
    image("server", true, "the whole server, without cryptography"),
    image("client", false, "the whole client"),
    image("server", false, "the whole server"),
];

/// Name of an image, and whether it has the null cipher.
type Key = (&'static str, bool);

/// A part of a whole image: the difference between the sizes of some images. The sum of all parts
/// and `blank` is the whole.
struct Part {
    name: &'static str,
    more: &'static [Key],
    less: &'static [Key],
    meaning: &'static str,
}

const fn part(
    name: &'static str,
    more: &'static [Key],
    less: &'static [Key],
    meaning: &'static str,
) -> Part {
    Part {
        name,
        more,
        less,
        meaning,
    }
}

const CORE: &str = "`chatapp-core`";
const NETWORK: &str = "adapter: smoltcp, `chatapp-smoltcp`, the driver";
const CONSOLE: &str = "adapter: `chatapp-console`, the serial line, settings, the loop";
const CRYPTOGRAPHY: &str = "X25519, ChaCha20-Poly1305, BLAKE2s";

const PARTS: [Part; 8] = [
    part(
        "client:core",
        &[("core-client", true)],
        &[("blank", true)],
        CORE,
    ),
    part(
        "client:network",
        &[("network", true)],
        &[("blank", true)],
        NETWORK,
    ),
    part(
        "client:console",
        &[("client", true), ("blank", true)],
        &[("core-client", true), ("network", true)],
        CONSOLE,
    ),
    part(
        "client:cryptography",
        &[("client", false)],
        &[("client", true)],
        CRYPTOGRAPHY,
    ),
    part(
        "server:core",
        &[("core-server", true)],
        &[("blank", true)],
        CORE,
    ),
    part(
        "server:network",
        &[("network", true)],
        &[("blank", true)],
        NETWORK,
    ),
    part(
        "server:console",
        &[("server", true), ("blank", true)],
        &[("core-server", true), ("network", true)],
        CONSOLE,
    ),
    part(
        "server:cryptography",
        &[("server", false)],
        &[("server", true)],
        CRYPTOGRAPHY,
    ),
];

/// Sizes of the room: the default, and a larger one.
const ROOMS: [(usize, Option<usize>); 2] = [(8, None), (32, Some(32))];

const CEILINGS: &str = include_str!("../../../bins/firmware/ceilings.txt");

fn main() -> ExitCode {
    if !can_emulate() {
        return ExitCode::SUCCESS;
    }
    let mut is_within = true;
    println!("| | room | flash | RAM: statics | stack | |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    for (room, build_for) in ROOMS {
        let mut measured = Vec::new();
        // Both kinds share one build folder.
        for is_bare in [true, false] {
            let images = IMAGES.iter().filter(|image| image.is_bare == is_bare);
            let names: Vec<_> = images.clone().map(|image| image.name).collect();
            let options: &[&str] = if is_bare {
                &["--no-default-features", "--features", "null-cipher"]
            } else {
                &[]
            };
            let firmware = Firmware::build(&names, build_for, options);
            for image in images {
                let path = firmware.image(image.name);
                let footprint = Footprint::of(image, path);
                let Image { name, meaning, .. } = image;
                let bare = if is_bare { "/bare" } else { "" };
                is_within &= footprint.show(&format!("{name}{bare}"), room, meaning);
                measured.push(((*name, is_bare), footprint));
            }
        }
        for part in &PARTS {
            is_within &= Footprint::of_part(part, &measured).show(part.name, room, part.meaning);
        }
    }
    ExitCode::from(u8::from(!is_within))
}

/// Size of an image or a part, in bytes.
struct Footprint {
    flash: u64,
    statics: u64,
    /// Maximum depth of the stack, for images that were run.
    stack: Option<u64>,
}

impl Footprint {
    fn of(image: &Image, path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("it was built");
        let elf = object::File::parse(&*bytes).expect("it is an image");
        let (mut flash, mut statics) = (0, 0);
        for section in elf.sections() {
            let (is_stored, is_in_ram) = match section.kind() {
                SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => {
                    (true, false)
                }
                // The initial values are in flash.
                SectionKind::Data => (true, true),
                SectionKind::UninitializedData => (false, true),
                _ => (false, false),
            };
            flash += section.size() * u64::from(is_stored);
            statics += section.size() * u64::from(is_in_ram);
        }
        let stack = match (image.is_bare, image.name) {
            (false, "client") => Some(chat_on(Board::of_image(path))),
            (false, "server") => Some(serve_on(Board::of_image(path))),
            _ => None,
        };
        let stack = stack.map(|memory| depth(&memory, &elf));
        Self {
            flash,
            statics,
            stack,
        }
    }

    fn of_part(part: &Part, measured: &[(Key, Self)]) -> Self {
        let sum = |keys: &[Key], what: fn(&Self) -> u64| {
            let of = |key: &Key| measured.iter().find(|(measured, _)| measured == key);
            let all = keys
                .iter()
                .map(|key| what(&of(key).expect("it was measured").1));
            all.sum::<u64>()
        };
        let more = |what| sum(part.more, what).saturating_sub(sum(part.less, what));
        Self {
            flash: more(|footprint| footprint.flash),
            statics: more(|footprint| footprint.statics),
            stack: None,
        }
    }

    /// Prints the footprint; returns whether it is within its ceiling.
    fn show(&self, name: &str, room: usize, meaning: &str) -> bool {
        println!("| `{name}` | {room} | {self} | {meaning} |");
        let ceiling = Self::ceiling(name, room);
        let is_within = self.is_within(&ceiling);
        if !is_within {
            eprintln!("`{name}` for {room} takes more than its ceiling: {ceiling}");
        }
        is_within
    }

    fn ceiling(name: &str, room: usize) -> Self {
        let room = room.to_string();
        let number = |word: Option<&&str>| word.and_then(|word| word.parse().ok());
        CEILINGS
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|words| words.first() == Some(&name) && words.get(1) == Some(&room.as_str()))
            .and_then(|words| {
                Some(Self {
                    flash: number(words.get(2))?,
                    statics: number(words.get(3))?,
                    stack: number(words.get(4)),
                })
            })
            .unwrap_or_else(|| panic!("there is a ceiling for {name} {room}"))
    }

    fn is_within(&self, ceiling: &Self) -> bool {
        self.flash <= ceiling.flash
            && self.statics <= ceiling.statics
            && self.stack.unwrap_or(0) <= ceiling.stack.unwrap_or(0)
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            flash,
            statics,
            stack,
        } = self;
        write!(f, "{flash} | {statics} | ")?;
        match stack {
            Some(stack) => write!(f, "{stack}"),
            None => f.write_str("-"),
        }
    }
}

/// Returns the depth of the stack: it is painted at the start, and grows downwards.
fn depth(memory: &[u8], elf: &object::File<'_>) -> u64 {
    const PAINT: [u8; 4] = 0xcccc_cccc_u32.to_le_bytes();
    let address = |name| {
        let symbol = elf.symbol_by_name(name).expect("the linker says where");
        (symbol.address() - 0x2000_0000) as usize
    };
    let stack = &memory[address("_stack_end")..address("_stack_start")];
    let unused = stack
        .chunks_exact(PAINT.len())
        .take_while(|word| *word == PAINT)
        .count();
    (stack.len() - unused * PAINT.len()) as u64
}

/// Uses all functions of a client, with texts of maximum length; returns the RAM of the board.
fn chat_on(mut board: Board) -> Vec<u8> {
    let long = "\u{1b}".repeat(1_000);
    let room = Room::open();
    let alice = |board: &mut Board| {
        board.is_set(&format!("name=alice server={}", room.address()));
        board.console.shows(TABLE);
    };
    board.console.types("help");
    board.console.types("name=alice");
    alice(&mut board);
    let mut bob = room.join("bob");
    board.console.shows(TABLE);
    for line in ["help", "table", "sned", "send bob", "dereg bob", &long] {
        board.console.types(line);
    }
    board.console.types(&format!("send bob {long}"));
    bob.shows_where("a long text", |line| line.starts_with("alice: "));
    bob.types(&format!("send alice {long}"));
    bob.types(&format!("send_all {long}"));
    bob.shows(POSTED);
    board.console.types("dereg alice");
    board.console.shows(BYE);
    bob.shows(TABLE);
    bob.types(&format!("send alice {long}"));
    bob.types(&format!("send_all {long}"));
    bob.shows(POSTED);
    board.console.types("reg alice");
    board.console.shows_where("a kept text", |line| {
        line.starts_with("Channel_Message bob: <")
    });
    board.console.types("quit");
    board
        .console
        .shows_where("the end", |line| line.starts_with(ASKS_SETTINGS));
    alice(&mut board);
    board.memory()
}

/// Uses all functions of a server, with texts of maximum length; returns the RAM of the board.
fn serve_on(mut board: Board) -> Vec<u8> {
    let long = "x".repeat(1_000);
    board.is_set("time=0");
    let address = ([127, 0, 0, 1], board.port).into();
    let [mut alice, mut bob] = Room::join_all_at(address, ["alice", "bob"]);
    board.console.types("help");
    alice.types(&format!("send bob {long}"));
    bob.shows_where("a long text", |line| line.starts_with("alice: "));
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    for _ in 0..3 {
        alice.types(&format!("send bob {long}"));
        alice.types(&format!("send_all {long}"));
        alice.shows(POSTED);
    }
    bob.types("reg bob");
    bob.shows_where("a kept text", |line| {
        line.starts_with("Channel_Message alice: <")
    });
    board.console.types("stats");
    board
        .console
        .shows_where("the report", |line| line.starts_with("dropped"));
    board.memory()
}
