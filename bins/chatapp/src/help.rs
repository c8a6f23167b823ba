//! Texts of `--help`, shared with the manual page.

/// Usage lines of the program.
pub(crate) const USAGE: &str = "\
ChatApp [OPTIONS] -s <PORT>
       ChatApp [OPTIONS] -c <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>
       ChatApp [OPTIONS] -c <NAME> lan [CLIENT-PORT]
       ChatApp join <INVITATION> <NAME> [OPTIONS]
       ChatApp join <ROOM> [NAME] [OPTIONS]
       ChatApp invite [--room-key FILE] [--qr] <SERVER-IP> <SERVER-PORT>
       ChatApp ping [--json] <SERVER-IP> <SERVER-PORT>
       ChatApp admin [--json] <DIR> <ORDER>...
       ChatApp store [--json] <DIR>
       ChatApp store backup | restore | check | forget | show ...
       ChatApp keys show | verify | forget | server | new-room ...
       ChatApp config | demo | man | completions <SHELL> | dissector
       ChatApp";

/// Text of `--help` after the options, in sections. Its lines fit a terminal of 80 columns, so that
/// clap does not wrap them.
pub(crate) const AFTER_LONG_HELP: &str = "\
Commands of a client, one per line:
  send <name> <text>   send a message to one name; stored if it is offline
  send_all <text>      send a message to everyone in the room
  dereg <name>         leave the room under your own name; messages are stored
  reg <name>           return under your own name, and receive stored messages
  table                show who is in the room
  quit                 finish pending commands, leave the room and end
  help                 show these commands
  keys verify <name>   show the code that both of you must see alike
  keys verified <name> remember that you have compared it
  ignore <name>        show no messages of this name, also at later starts
  unignore <name>      show the next ones again
  ignored              list the names that you ignore
A slash in front, as in /send, is accepted. The text begins one blank after the
name.

The end of the input and Ctrl-C end a client like `quit`; a second Ctrl-C ends
it immediately.

Lines that a client prints:
  alice: hi                                      a direct message for you
  Channel_Message alice: hi                      a message for everyone
  [You have messages]                            these were stored for you:
  alice: <2022-03-24 19:31:32> hi                  when the server received it
  [Message received by bob.]                     bob's program has accepted it
  [Message received by Server.]                  the server delivers it to all
  [No ACK from bob, message sent to server.]     bob is offline; a line follows:
  [Messages received by the server and saved]      bob gets it on return
  [bob has received 3 messages that the server kept.]
                                                   at a terminal, --receipts
  [Client bob exists!!]                            bob is back and gets it now
  [Client bob does not exist.]                     no such name
  [Mailbox of bob is full; the message was not saved.]
  [The key of bob has changed: ...]              nothing was sent; see Keys
  [Server not responding]                        no reply to 6 attempts in 3 s
  [Client table updated.]                        the table changed
  [The server is silent. ...]                    direct messages still work
  [The server is back.]                          it answers again
  [The server limits your rate; ...]             the command continues later
At a terminal each line begins with `>>> ` and the time. Control and invisible
characters from others are shown as \\u{1b} and the like.

At a terminal:
  Tab          complete a command, or a name after `send`: online names first
  Up, Down     recall earlier lines; Ctrl-R searches them
  Ctrl-C       leave, as Ctrl-D does on an empty line
  to bob       from now on, a line without a command goes to bob; `to all` is
               for everyone, `to` alone ends it; the prompt shows the partner
  reply hi     answer the latest message that was for you alone
  say hi       send a text to the partner, also one that begins like a command
  history 50   show the latest 50 messages of --log-file
Typed lines are stored for each name in ~/.local/state/chatapp/history, or
under $XDG_STATE_HOME; not those that begin with a blank, and none with
--no-history. Many pasted lines are sent only after a confirmation.

Commands of a server's operator, typed at the server, or from another process
with `ChatApp admin DIR` in front:
  who                  list the names, with their addresses and keys
  kick <name>          put a client out, for a minute
  ban <name> 1h        put a client out, and keep it out; without a time: until
                       `unban <name>`
  mute <name> 1h       let a client read, and nothing else; `unmute <name>`
  ban key <key>        the same for all clients with a key; also mute
  ban address <ip>     the same for all clients of an address; also mute
  bans                 list the bans and mutes in force
  forget <name>        free an offline name, and drop its stored messages
  withdraw <name>      take back its messages that others have not fetched
  announce <text>      show all clients a text, marked as the server's
  reload               read the files of --allow-file and --deny-file again, as
                       SIGHUP does
  stats                show its counters, as SIGUSR1 does
  quit, help           end the server; show these commands
`ChatApp ping localhost 4119` needs no name: it ends with 0 if the server
answers, with 1 if not.

Keys:
Every datagram is encrypted, and only its recipient can read a direct message.
The first registration creates a key and binds the name to it. A client pins
the keys of servers and of the clients that it talks to, and sends nothing to
one whose key has changed.
  ChatApp keys show                  your names with their public keys, and
                                     all known keys
  ChatApp keys show alice            one of your names, a line for --allow-file
  ChatApp keys forget server localhost 4119
                                     trust its next key, if it was set up anew;
                                     the host is as you type it after -c
  ChatApp keys forget name bob       the same, if bob has lost the key
  ChatApp keys verify bob            a code that bob must see alike, with
                                     `keys verify`; --yes remembers it
  ChatApp keys server                a server's own key, for the --server-key of
                                     its clients
  ChatApp invite chat.example.org 4119
                                     one line with the server's address and key;
                                     --room-key adds the key of a closed room
  ChatApp join chatapp:... carol     enter with it: nothing is trusted on first
                                     use; @FILE reads the line from a file
  ChatApp keys new-room room.key     make a key for --room-key, in a new file
  ChatApp keys export me.export      all your names in one file, under a
                                     passphrase; `keys import` takes them over
                                     on another machine
Each private key is a file in ~/.local/state/chatapp/keys that only you can
read. A copy of it is your identity: back it up.

Files:
A server keeps names, stored messages and the channel log in `room.db` (SQLite)
in its folder, and its private key beside it. It syncs them to disk before it
replies, so a restart loses nothing that was acknowledged. A client keeps keys,
and which messages it has shown, so that a restart shows none of them again.
All of it is in your state folder, ~/.local/state/chatapp on Linux, unless
--data-dir names another one.
  ChatApp store DIR                  names and stored messages of a server
  ChatApp store backup DIR TO        copy its room and key, also while it runs
  ChatApp store restore BACKUP DIR   put them back while it is stopped; --force
                                     moves a room that is there aside
  ChatApp store check DIR            check them; 0 if a server can use them
  ChatApp store forget DIR NAME      remove a name while it is stopped

Exit codes:
  0  success
  1  system error, for example standard output was closed; no answer to a ping;
     an order of `admin` was not done
  2  wrong usage, or a port, address, store or key that cannot be used
  3  the server is not found, does not respond, or has another protocol version
  4  the server refused the name, put the client out, or another process took
     the name over
  5  the key of the server has changed, or is not that of --server-key
  6  a message of --exec was neither delivered nor stored

Examples, in two terminals:
  ChatApp -s 4119
  ChatApp -c alice localhost 4119 0
One message from a script:
  ChatApp -c robot localhost 4119 0 --exec 'send alice Backup done.'";

/// Lines of `help` at a terminal, after the commands.
pub(crate) const TERMINAL_HELP: [&str; 12] = [
    "to <name>            then a line without a command goes to that name",
    "to all               the same for everyone; to alone ends it",
    "reply <text>         answer the latest message that was for you alone",
    "say <text>           send a text that begins like a command",
    "history <number>     show the latest messages of the log of --log-file",
    "",
    "Tab completes commands, and names after send.",
    "Up and Down recall earlier lines, Ctrl-R searches them.",
    "A line that begins with a blank is not stored. Ctrl-C and Ctrl-D leave.",
    "For example:  send bob Are you there?",
    "              send_all Good morning!",
    "              dereg alice   and later   reg alice, under your own name",
];
