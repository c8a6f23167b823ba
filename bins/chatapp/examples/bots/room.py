"""A client of a room for bots: a process that reads commands and writes events as JSON."""

import json
import os
import queue
import signal
import subprocess
import threading

# A text has at most this many bytes.
TEXT_LEN_MAX = 1_000


def leave(*_):
    raise KeyboardInterrupt


class Room:
    """The room in which a bot has this name. Leaves it at the end of a `with` block, or with
    Ctrl-C."""

    def __init__(self, name, host, port):
        program = os.environ.get("CHATAPP", "ChatApp")
        command = [program, "-c", name, host, port, "0", "--json", "--wait"]
        pipe = subprocess.PIPE
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, encoding="utf-8", errors="replace"
        )
        # A client reads no command while its events are not read: threads of their own do both.
        self.commands = queue.SimpleQueue()
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, leave)
        return self

    def __exit__(self, reason, *_):
        self.commands.put(None)
        self.process.wait()
        return reason is KeyboardInterrupt

    def write(self):
        for command in iter(self.commands.get, None):
            print(json.dumps(command), file=self.process.stdin, flush=True)
        self.process.stdin.close()

    def events(self):
        """Yields each event until the client ends."""
        return map(json.loads, self.process.stdout)

    def messages(self):
        """Yields each message of somebody else."""
        said = (event for event in self.events() if event["event"] == "message")
        return (message for message in said if message["from"] != self.name)

    def send(self, text, to=None, tag=None):
        """Sends a text to a name, or to everyone. Its status carries the tag."""
        text = text.encode()[:TEXT_LEN_MAX].decode(errors="ignore")
        order = {"command": "send_all"} if to is None else {"command": "send", "to": to}
        self.commands.put({**order, "text": text, "tag": tag})
