#!/usr/bin/env python3
"""Sends what other programs post: webhook.py <NAME> <SERVER-IP> <SERVER-PORT> <HTTP-PORT>

    curl -d '{"to": "bob", "text": "Build 7 failed"}' http://127.0.0.1:<HTTP-PORT>/

Without "to", everyone in the room gets it. The answer has the final status: 200 if the message was
delivered, saved or posted, otherwise 502. Programs of this machine can post, web pages cannot.
"""

import itertools
import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from room import Room

name, host, port, http_port = sys.argv[1:]
room = Room(name, host, port)
tags = itertools.count(1)
waiting = {}


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        if "Origin" in self.headers:
            return self.send_error(403, "Web pages cannot post")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            order = json.loads(body)
            text, to = order["text"], order.get("to")
            if not isinstance(text, str) or not (to is None or to and isinstance(to, str)):
                raise ValueError
        except (ValueError, KeyError, AttributeError, TypeError):
            return self.send_error(400, 'The body has no "text", or "to" is no name')
        tag, answer = next(tags), queue.Queue()
        waiting[tag] = answer
        room.send(text, to, tag)
        status = answer.get()
        self.send_response(200 if status in ("delivered", "saved", "posted") else 502)
        self.end_headers()
        self.wfile.write(status.encode())


server = ThreadingHTTPServer(("127.0.0.1", int(http_port)), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
with room:
    taken = {}
    for event in room.events():
        if event["event"] == "taken" and event.get("tag"):
            taken[event["id"]] = waiting.pop(event["tag"])
        elif event["event"] == "rejected" and event.get("tag"):
            waiting.pop(event["tag"]).put(event["reason"])
        elif event["event"] == "status" and event["final"] and event["id"] in taken:
            taken.pop(event["id"]).put(event["status"])
