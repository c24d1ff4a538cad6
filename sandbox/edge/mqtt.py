"""As much of MQTT 3.1.1's wire format as a server needs for modules that report."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14
ACCEPTED, NOT_AUTHORIZED = 0, 5
PINGRESP = b"\xd0\x00"
CONNECT_WITHIN = 10.0
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


async def read(reader: asyncio.StreamReader) -> Packet | None:
    """The next packet, None at the end of the connection. Raises Broken, OSError, EOFError."""
    first = await reader.read(1)
    if not first:
        return None
    length = shift = 0
    while True:
        (digit,) = await reader.readexactly(1)
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            break
        if shift > 21:
            raise Broken("a length of more than four bytes")
    if length > LARGEST:
        raise Broken(f"a packet of {length} bytes")
    packet = Packet(first[0] >> 4, first[0] & 0x0F, await reader.readexactly(length))
    return None if packet.kind == DISCONNECT else packet


async def read_connect(reader: asyncio.StreamReader) -> Connect:
    packet = await read(reader)
    if packet is None or packet.kind != CONNECT:
        raise Broken("a connection begins with CONNECT")
    name, rest = _text(packet.body)
    if len(rest) < 4:
        raise Broken("a CONNECT that ends early")
    level, flags, keep_alive = struct.unpack_from("!BBH", rest)
    if (name, level) != ("MQTT", 4):
        raise Broken(f"{name} level {level} is not MQTT 3.1.1")
    client_id, rest = _text(rest[4:])
    user, rest = _text(rest) if flags & HAS_USER else ("", rest)
    password, _ = _text(rest) if flags & HAS_PASSWORD else ("", rest)
    return Connect(client_id, user, password, keep_alive)


def connack(code: int) -> bytes:
    return bytes((0x20, 2, 0, code))


def suback(packet: Packet, allows: Callable[[str], bool]) -> bytes:
    number, rest = packet.body[:2], packet.body[2:]
    codes = bytearray()
    while rest:
        topic, rest = _text(rest)
        quality, rest = rest[:1], rest[1:]
        codes.append(min(quality[0], 1) if quality and allows(topic) else REFUSED_TOPIC)
    return _packet(0x90, number + bytes(codes))


def published(packet: Packet) -> Message:
    quality = packet.flags >> 1 & 3
    if quality > 1:
        raise Broken("quality of service 2 is not offered")
    topic, rest = _text(packet.body)
    number, payload = (rest[:2], rest[2:]) if quality else (b"", rest)
    return Message(topic, payload, bytes((PUBACK << 4, 2)) + number if quality else b"")


def publish(topic: str, payload: bytes) -> bytes:
    """A message at quality of service 0."""
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
