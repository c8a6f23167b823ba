"""A client of a room for bots: a process that reads commands and writes events as JSON."""

import json
import os
import subprocess
import threading

# A text has at most this many bytes.
TEXT_LEN_MAX = 1_000


class Room:
    """The room in which a bot has this name. Leaves it at the end of a `with` block, or
    with Ctrl-C."""

    def __init__(self, name, host, port):
        program = os.environ.get("CHATAPP", "ChatApp")
        command = [program, "-c", name, host, port, "0", "--json", "--wait"]
        pipe = subprocess.PIPE
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, encoding="utf-8", errors="replace"
        )
        self.lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, reason, *_):
        self.process.stdin.close()
        self.process.wait()
        return reason is KeyboardInterrupt

    def events(self):
        """Yields each event until the client ends."""
        return map(json.loads, self.process.stdout)

    def messages(self):
        """Yields each message of somebody else."""
        return (
            event
            for event in self.events()
            if event["event"] == "message" and event["from"] != self.name
        )

    def send(self, text, to=None, tag=None):
        """Sends a text to a name, or to everyone. Its status carries the tag."""
        text = text.encode()[:TEXT_LEN_MAX].decode(errors="ignore")
        command = {"command": "send", "to": to} if to else {"command": "send_all"}
        with self.lock:
            print(json.dumps({**command, "text": text, "tag": tag}), file=self.process.stdin)
            self.process.stdin.flush()
