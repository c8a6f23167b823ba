#!/usr/bin/env python3
"""Sends each private message back: echo.py <NAME> <SERVER-IP> <SERVER-PORT>"""

import sys

from room import Room

# Two bots must not answer each other for ever.
MARK = "echo: "

with Room(*sys.argv[1:]) as room:
    for message in room.messages():
        if not message["channel"] and not message["text"].startswith(MARK):
            room.send(MARK + message["text"], to=message["from"])
