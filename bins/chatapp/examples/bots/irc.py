#!/usr/bin/env python3
"""Joins a room and an IRC channel: irc.py <NAME> <SERVER-IP> <PORT> <IRC-HOST> <PORT> <#CHANNEL>

Whoever is in one of them reads what is said in the other. IRC is not encrypted.
"""

import re
import socket
import sys
import threading

from room import Room

# A line has at most 512 bytes, with the prefix that the IRC server puts in front.
PIECE_LEN = 350

name, host, port, irc_host, irc_port, channel = sys.argv[1:]
irc = socket.create_connection((irc_host, int(irc_port)))
room = Room(name, host, port)


def say(line):
    irc.sendall(line.encode() + b"\r\n")


def to_irc():
    """Sends the messages of the room to the channel, each line in pieces."""
    for message in room.messages():
        if not message["channel"]:
            continue
        # Each line names its sender, so that none can imitate another.
        for line in re.split(r"[\r\n\0\x01]+", message["text"]):
            rest = line.encode()
            while rest:
                piece = rest[:PIECE_LEN].decode(errors="ignore")
                rest = rest[len(piece.encode()) or 1 :]
                say(f"PRIVMSG {channel} :<{message['from']}> {piece}")
    irc.shutdown(socket.SHUT_RDWR)


say(f"NICK {name}")
say(f"USER {name} 0 * :{name}")
with room, irc.makefile(encoding="utf-8", errors="replace") as lines:
    for line in lines:
        who, _, words = line.rstrip("\r\n").partition(" ")
        if who == "PING":
            say(f"PONG {words}")
        elif words.startswith("001 "):
            say(f"JOIN {channel}")
            threading.Thread(target=to_irc, daemon=True).start()
        elif words.startswith(("432 ", "433 ")):
            sys.exit(f"the IRC server refuses the nickname: {words}")
        elif words.lower().startswith(f"privmsg {channel} :".lower()):
            nick = who[1:].partition("!")[0]
            room.send(f"<{nick}> {words.partition(' :')[2]}")
