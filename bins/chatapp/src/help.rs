//! The texts of `--help`, which the manual page has, too.

/// How the program is called.
pub(crate) const USAGE: &str = "\
ChatApp [OPTIONS] -s <PORT>
       ChatApp [OPTIONS] -c <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>
       ChatApp store [--json] <DIR>
       ChatApp keys show | forget | new-room <FILE>
       ChatApp demo | man | completions <SHELL> | dissector
       ChatApp";

/// The text of `--help` below the options, in sections. Its lines fit a terminal of 80 columns, so
/// that none is broken.
pub(crate) const AFTER_LONG_HELP: &str = "\
Commands of a client, one a line:
  send <name> <text>   send a message to one person, kept if that person is away
  send_all <text>      send a message to everybody in the room
  dereg <name>         leave the room under your name; messages are kept
  reg <name>           come back under your name, and get what was kept
  table                show who is in the room
  quit                 finish what is on its way, leave the room and end
  help                 show these commands
A slash in front, as in /send, does no harm. A text begins one blank behind the
name.

The end of the input and Ctrl-C end a client like `quit`; a second Ctrl-C ends
it at once.

Lines that a client prints:
  alice: hi                                      a message for you
  Channel_Message alice: hi                      a message for everybody
  [You have messages]                            these were kept for you:
  alice: <2022-03-24 19:31:32> hi                  when the server got it
  [Message received by bob.]                     bob's program has shown it
  [Message received by Server.]                  everybody in the room gets it
  [No ACK from bob, message sent to server.]     bob is away; then one of these:
  [Messages received by the server and saved]      bob gets it when he returns
  [Client bob exists!!]                            bob is back; it goes to him
  [Client bob does not exist.]                     nobody has that name
  [Mailbox of bob is full; the message was not saved.]
  [bob has another key than before: ...]         perhaps somebody else: see Keys
  [Server not responding]                        no answer to 6 attempts in 3 s
  [Client table updated.]                        somebody came or left
  [The server's limits make you wait; ...]       it goes on by itself
At a terminal each line begins with `>>> ` and the time. Control characters from
others are shown as \\u{1b} and the like.

At a terminal:
  Tab          complete a command, or a name behind `send`: those online first
  Up, Down     bring typed lines back; Ctrl-R searches them
  Ctrl-C       leave, as Ctrl-D does on an empty line
Typed lines are remembered for each name in ~/.local/state/chatapp/history, or
under $XDG_STATE_HOME; not those that begin with a blank, and none with
--no-history. Many pasted lines are sent only after a question.

A server takes `stats` (its counters, as SIGUSR1 does), `quit` and `help`.

Keys:
Everything that is sent is sealed, and a private message can be read by its
recipient alone. A name belongs to the key that it was first registered with,
which is made then. A client remembers the keys of servers and of those it has
talked to, and tells nothing to whoever comes with another one.
  ChatApp keys show                  your names with their public keys, and
                                     whose keys you know
  ChatApp keys show alice            one of your names, a line for --allow-file
  ChatApp keys forget server localhost 4119
                                     trust its next key, if it was set up anew;
                                     the host is as you type it behind -c
  ChatApp keys forget name bob       the same, if bob has lost his key
  ChatApp keys new-room room.key     make a key for --room-key, in a new file
Each private key is a file in ~/.local/state/chatapp/keys that you alone can
read. Who has a copy is you: keep one, and take it to your other machines.

What is kept on disk:
A server keeps names, waiting messages and the log of the channel, in `room.db`
(SQLite) in its folder, and its private key beside it. It is on the disk before
anybody is told so; a server that is killed goes on where it was when it is
started again. A client keeps keys, and which messages it has shown, so that it
shows none of them again after a restart. Your state folder, where all of it is
unless --data-dir says another one, is ~/.local/state/chatapp on Linux.

Exit codes:
  0  done
  1  the machine failed, for example standard output was closed
  2  wrong usage, or a port, address, store or key that cannot be used
  3  the server does not respond, or speaks another version of the protocol
  4  the server refused the name, or another process took it over
  5  the server has another key than before
  6  what was to be sent with --exec did not arrive, and is not kept either

Examples, in two terminals:
  ChatApp -s 4119
  ChatApp -c alice localhost 4119 0
One message from a script:
  ChatApp -c robot localhost 4119 0 --exec 'send alice Backup done.'";
