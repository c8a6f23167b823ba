#!/usr/bin/env python3
"""Makes the encrypted test vectors of PROTOCOL.md again, from its text, with other libraries.

Needs Python 3.9 and the package `cryptography`. Exits with 0 if everything agrees.
"""

import hashlib
import hmac
import pathlib
import re
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "PROTOCOL.md"


def vectors():
    """Returns the blocks marked `vector <name>`."""
    blocks = re.findall(r"^```vector (\S+)\n(.*?)^```$", DOCUMENT.read_text(), re.M | re.S)
    return {name: bytes.fromhex(re.sub(r"#.*", "", body)) for name, body in blocks}


# ---- primitives ----


def blake2s(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def hkdf(chaining_key, material, outputs):
    temporary = mac(chaining_key, material)
    made, last = [], b""
    for number in range(1, outputs + 1):
        last = mac(temporary, last + bytes([number]))
        made.append(last)
    return made


def public(private):
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared(private, remote):
    key = X25519PublicKey.from_public_bytes(remote)
    return X25519PrivateKey.from_private_bytes(private).exchange(key)


def seal(key, counter, text, associated=b""):
    nonce = bytes(4) + counter.to_bytes(8, "little")
    return ChaCha20Poly1305(key).encrypt(nonce, text, associated)


def siphash24(key, data):
    """SipHash-2-4 (Aumasson, Bernstein, 2012)."""
    mask = (1 << 64) - 1
    word = lambda part: int.from_bytes(part, "little")
    low, high = word(key[:8]), word(key[8:16])
    v = [
        low ^ 0x736F6D6570736575,
        high ^ 0x646F72616E646F6D,
        low ^ 0x6C7967656E657261,
        high ^ 0x7465646279746573,
    ]
    rotate = lambda x, by: ((x << by) | (x >> (64 - by))) & mask

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) & 0xFF])
    for part in [data[at : at + 8] for at in range(0, whole, 8)] + [last]:
        v[3] ^= word(part)
        rounds(2)
        v[0] ^= word(part)
    v[2] ^= 0xFF
    rounds(4)
    return (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


# ---- Noise ----


class Symmetric:
    """A symmetric state of Noise, section 5.2."""

    def __init__(self, name, prologue):
        self.h = blake2s(name)
        self.ck = self.h
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = blake2s(self.h + data)

    def mix_key(self, material):
        self.ck, self.k = hkdf(self.ck, material, 2)
        self.n = 0

    def mix_key_and_hash(self, material):
        self.ck, temporary, self.k = hkdf(self.ck, material, 3)
        self.mix_hash(temporary)
        self.n = 0

    def encrypt(self, text):
        sealed = seal(self.k, self.n, text, self.h)
        self.n += 1
        self.mix_hash(sealed)
        return sealed

    def split(self):
        return hkdf(self.ck, b"", 2)


def handshake(static, remote, ephemerals, pre_shared, prologue, payload, answer):
    """Returns both messages of IKpsk1 and the keys of both directions, from all secrets of both."""
    state = Symmetric(b"Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s", prologue)
    state.mix_hash(public(remote))
    e, re_ = ephemerals
    first = public(e)
    state.mix_hash(first)
    state.mix_key(first)
    state.mix_key(shared(e, public(remote)))
    first += state.encrypt(public(static))
    state.mix_key(shared(static, public(remote)))
    state.mix_key_and_hash(pre_shared)
    first += state.encrypt(payload)
    second = public(re_)
    state.mix_hash(second)
    state.mix_key(second)
    state.mix_key(shared(re_, public(e)))
    state.mix_key(shared(re_, public(static)))
    second += state.encrypt(answer)
    return first, second, state.split()


def varint(number):
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def string(name):
    return bytes([len(name)]) + name


def marked(key):
    """Sets the highest bit of a public key."""
    return key[:-1] + bytes([key[-1] | 0x80])


def message_key(server, sender, recipient, ephemeral, incarnation, names, medium=None):
    state = Symmetric(
        b"ChatApp letter, as Noise_K_25519_ChaChaPoly_BLAKE2s",
        public(server) + incarnation + string(names[0]) + string(names[1]),
    )
    state.mix_hash(public(sender))
    state.mix_hash(public(recipient))
    if medium:
        state.mix_hash(public(medium))
    state.mix_hash(marked(public(ephemeral)) if medium else public(ephemeral))
    state.mix_key(shared(ephemeral, public(recipient)))
    state.mix_key(shared(sender, public(recipient)))
    if medium:
        state.mix_key(shared(ephemeral, public(medium)))
    return hkdf(state.ck, state.h, 2)[1]


# ---- the vectors ----


def counting(first):
    return bytes(range(first, first + 32))


def main():
    v = vectors()
    server, alice, bob = counting(0x00), counting(0x20), counting(0x40)
    ephemerals = counting(0x60), counting(0x80)
    ephemeral, room = counting(0xA0), counting(0xC0)
    open_tag = b"ChatApp datagram"
    closed_tag = blake2s(b"ChatApp room" + room)[:16]
    failures = []

    def check(name, made):
        if v[name] != made:
            failures.append(f"{name}: {made.hex(' ')}")

    for name, key in [("server", server), ("alice", alice), ("bob", bob)]:
        check("key-of-" + ("the-server" if name == "server" else name), public(key))
    for name in ["unsupported", "cookie-request", "cookie", "cookie-of-a-path", "refuse", "reset"]:
        check(name, v[name][:-8] + siphash24(open_tag, v[name][:-8]))
    check("cookie", v["cookie"][:26] + public(server) + v["cookie"][58:])

    def exchange(first, second, front_len, static, remote, pre_shared, tag, payload, answer):
        front, back = v[first][:front_len], v[second][:10]
        one, two, keys = handshake(
            static, remote, ephemerals, pre_shared, front, payload, answer
        )
        check(first, front + one + siphash24(tag, front + one))
        check(second, back + two + siphash24(tag, back + two))
        return keys

    hello, accepted = v["client-hello-payload"], v["accept-payload"]
    exchange("client-hello", "refused", 26, alice, server, bytes(32), open_tag, hello, b"\x01\x08")
    banned = v["banned-payload"]
    check("banned-payload", b"\x01\x0a" + varint(1_648_236_692))
    exchange(
        "client-hello",
        "refused-as-banned",
        26,
        alice,
        server,
        bytes(32),
        open_tag,
        hello,
        banned,
    )
    check("closing-as-banned", b"\x08" + bytes(3) + b"\x0a" + varint(0))
    check("result-muted", v["result"][:5] + b"\x05" + varint(2) + b"\x06")
    exchange(
        "client-hello-in-a-closed-room",
        "accept-in-a-closed-room",
        26,
        alice,
        server,
        room,
        closed_tag,
        hello,
        accepted,
    )
    calling, answer = v["peer-hello-payload"], v["peer-accept-payload"]
    exchange("peer-hello", "peer-accept", 18, alice, bob, bytes(32), open_tag, calling, answer)
    send, receive = exchange(
        "client-hello", "accept", 26, alice, server, bytes(32), open_tag, hello, accepted
    )
    check("session-send", send)
    check("session-receive", receive)
    body = v["acknowledgement"]
    check("encrypted", v["encrypted"][:18] + seal(send, 0, body, v["encrypted"][:18]))
    rekeyed = seal(send, 2**64 - 1, bytes(32))[:32]
    check("session-rekeyed", rekeyed)
    front = v["encrypted-rekeyed"][:18]
    check("encrypted-rekeyed", front + seal(rekeyed, 65_536, body, front))
    key = message_key(server, alice, bob, ephemeral, hello[:8], (b"alice", b"bob"))
    content = b"hi" + (1_648_150_290).to_bytes(4, "little")
    ciphertext = seal(key, 300, content)
    check("ciphertext", ciphertext)
    check("stored-message", public(ephemeral) + ciphertext)
    medium = counting(0xE0)
    check("medium-term-key", public(medium))
    key_for_both = message_key(server, alice, bob, ephemeral, hello[:8], (b"alice", b"bob"), medium)
    front = marked(public(ephemeral)) + public(medium)[:2]
    check("medium-stored-message", front + seal(key_for_both, 300, content))
    mail, delta = v["mail"], v["mail-delta"]
    check("mail", mail[:-len(ciphertext)] + ciphertext)
    check("mail-delta", mail + delta[len(mail) : -len(ciphertext)] + seal(key, 302, content))

    for failure in failures:
        print(f"differs: {failure}", file=sys.stderr)
    print(f"{len(v)} vectors read, {len(failures)} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
