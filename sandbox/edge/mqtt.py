"""As much of MQTT 3.1.1's wire format as a server needs for modules that report."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ = 1, 3, 4, 8, 12
ACCEPTED, NOT_AUTHORIZED = 0, 5
PINGRESP = b"\xd0\x00"
CONNECT_WITHIN = 10
LARGEST = 256 * 1024
REFUSED_TOPIC = 0x80
HAS_USER, HAS_PASSWORD = 0x80, 0x40


class Broken(Exception):
    """The other side does not speak MQTT 3.1.1, or does what may not be done here."""


@dataclass(frozen=True)
class Packet:
    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True)
class Connect:
    """`keep_alive` is in seconds, 0 for none."""

    client_id: str
    user: str
    password: str
    keep_alive: int


@dataclass(frozen=True)
class Message:
    """`acknowledgement` is the PUBACK to send, empty at quality of service 0."""

    topic: str
    payload: bytes
    acknowledgement: bytes


def read(wire: socket.socket) -> Packet | None:
    """The next packet, None at the end of the connection. Raises Broken, OSError."""
    first = wire.recv(1)
    if not first:
        return None
    length = shift = 0
    while True:
        (digit,) = _exactly(wire, 1)
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            break
        if shift > 21:
            raise Broken("a length of more than four bytes")
    if length > LARGEST:
        raise Broken(f"a packet of {length} bytes")
    return Packet(first[0] >> 4, first[0] & 0x0F, _exactly(wire, length))


def read_connect(wire: socket.socket) -> Connect:
    packet = read(wire)
    if packet is None or packet.kind != CONNECT:
        raise Broken("a connection begins with CONNECT")
    name, rest = _text(packet.body)
    level, flags, keep_alive = struct.unpack_from("!BBH", rest)
    if (name, level) != ("MQTT", 4):
        raise Broken(f"{name} level {level} is not MQTT 3.1.1")
    client_id, rest = _text(rest[4:])
    user, rest = _text(rest) if flags & HAS_USER else ("", rest)
    password, _ = _text(rest) if flags & HAS_PASSWORD else ("", rest)
    return Connect(client_id, user, password, keep_alive)


def connack(code: int) -> bytes:
    return bytes((0x20, 2, 0, code))


def subscribed(packet: Packet, allows: Callable[[str], bool]) -> tuple[set[str], bytes]:
    """The topics that were granted, and the SUBACK."""
    number, rest = packet.body[:2], packet.body[2:]
    granted, codes = set(), bytearray()
    while rest:
        topic, rest = _text(rest)
        quality, rest = rest[0], rest[1:]
        codes.append(min(quality, 1) if allows(topic) else REFUSED_TOPIC)
        granted |= {topic} if allows(topic) else set()
    return granted, _packet(0x90, number + bytes(codes))


def published(packet: Packet) -> Message:
    quality = packet.flags >> 1 & 3
    if quality > 1:
        raise Broken("quality of service 2 is not offered")
    topic, rest = _text(packet.body)
    number, payload = (rest[:2], rest[2:]) if quality else (b"", rest)
    return Message(topic, payload, bytes((PUBACK << 4, 2)) + number if quality else b"")


def publish(topic: str, payload: bytes) -> bytes:
    name = topic.encode()
    return _packet(PUBLISH << 4, struct.pack("!H", len(name)) + name + payload)


def _packet(first: int, body: bytes) -> bytes:
    length, header = len(body), bytearray((first,))
    while True:
        length, digit = divmod(length, 128)
        header.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(header) + body


def _text(data: bytes) -> tuple[str, bytes]:
    """A string with its length before it, and what follows."""
    try:
        (length,) = struct.unpack_from("!H", data)
        return data[2 : 2 + length].decode(), data[2 + length :]
    except (struct.error, UnicodeDecodeError) as fault:
        raise Broken("a broken string") from fault


def _exactly(wire: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = wire.recv(count - len(data))
        if not more:
            raise Broken("the connection ended within a packet")
        data += more
    return data
