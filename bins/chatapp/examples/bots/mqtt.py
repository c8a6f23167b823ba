#!/usr/bin/env python3
"""Joins a room and an MQTT broker: mqtt.py <NAME> <SERVER-IP> <PORT> <BROKER> <PORT> <TOPIC>

Publishes each message as JSON under TOPIC/said, and says in the room what is published under
TOPIC/say. It needs the clients of mosquitto.
"""

import json
import subprocess
import sys
import threading

from room import Room

name, host, port, broker, broker_port, topic = sys.argv[1:]
at = ["-h", broker, "-p", broker_port]
publisher = subprocess.Popen(
    ["mosquitto_pub", *at, "-q", "1", "-l", "-t", f"{topic}/said"],
    stdin=subprocess.PIPE,
    encoding="utf-8",
)
subscriber = subprocess.Popen(
    ["mosquitto_sub", *at, "-q", "1", "-t", f"{topic}/say"],
    stdout=subprocess.PIPE,
    encoding="utf-8",
    errors="replace",
)


def to_room(room):
    for line in subscriber.stdout:
        room.send(line.rstrip("\n"))


try:
    with Room(name, host, port) as room:
        threading.Thread(target=to_room, args=[room], daemon=True).start()
        for message in room.messages():
            said = {key: message[key] for key in ("from", "text", "channel", "kept_at")}
            print(json.dumps(said), file=publisher.stdin, flush=True)
finally:
    subscriber.terminate()
    publisher.terminate()
