"""
Read DER as Go's `encoding/asn1` does.

Lengths and integers have their shortest form, and more fields at the end of a sequence are ignored.
"""

from __future__ import annotations

INTEGER, OCTETS, OBJECT_ID, SEQUENCE = 0x02, 0x04, 0x06, 0x30


class DerReader:
    """Reads values that follow each other. Every method raises ValueError where the data is something else."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def value(self, tag: int) -> bytes:
        """The content of the next value, which has this *tag*."""
        if self.rest[:1] != bytes([tag]):
            raise ValueError("another tag")
        size, start = self.rest[1:2], 2
        if size >= b"\x80":
            start += size[0] - 0x80
            size = self.rest[2:start]
            if len(size) + 2 < start or size[:1] in (b"", b"\0") or int.from_bytes(size, "big") < 0x80:
                raise ValueError("not the shortest length")
        end = start + int.from_bytes(size, "big")
        if len(self.rest) < end or not size:
            raise ValueError("too short")
        content, self.rest = self.rest[start:end], self.rest[end:]
        return content

    def optional(self, tag: int) -> bytes | None:
        """The same, or None where the next value has another tag, or there is none."""
        return self.value(tag) if self.rest[:1] == bytes([tag]) else None

    def sequence(self) -> DerReader:
        """A reader of the next value, which is a SEQUENCE."""
        return DerReader(self.value(SEQUENCE))

    def integer(self) -> int:
        """The next value, which is an INTEGER."""
        content = self.value(INTEGER)
        number = int.from_bytes(content, "big", signed=True)
        if not content or len(content) != len(_shortest(number)):
            raise ValueError("not the shortest integer")
        return number


def _shortest(number: int) -> bytes:
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)
