"""TensorBoard event files, read without TensorBoard.

A file is a chain of records: length, its checksum, an event, its checksum. An event is a protobuf
message with a step and values; a scalar is a float, or a tensor with one number. Reading these few
fields takes a page; the tensorboard package would bring gRPC, protobuf and more for it.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lawbench.errors import InputError
from lawbench.logs.table import Cells, Table, name_of

FLOAT, DOUBLE = 1, 2
STEP = "step"


@dataclass
class _Tag:
    steps: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    places: array[int] = field(default_factory=lambda: array("q"))


def read_events(path: Path) -> Table:
    """Return the scalars of an event file: a column for every tag, and the column ``step``.

    Raises
    ------
    InputError
        For a record that is cut or fails its checksum, and a file without scalars.
    """
    tags: dict[str, _Tag] = {}
    try:
        for place, event in enumerate(_records(path), start=1):
            _collect(path, event, place, tags)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): correct its name or its rights.") from error
    except (IndexError, ValueError, struct.error) as error:
        raise InputError(f"{path.name} is damaged: an event in it cannot be decoded; use another copy.") from error
    if not tags:
        raise InputError(f"{path.name} has no scalars: give an event file to which losses were written.")

    def columns(wanted: Sequence[str]) -> dict[str, Cells]:
        asked = [name for name in wanted if name != STEP]
        places = np.concatenate([np.array(tags[name].places, dtype=np.int64) for name in asked])
        order = np.argsort(places, kind="stable")
        steps = np.concatenate([np.array(tags[name].steps) for name in asked])
        out = {STEP: Cells(steps[order], np.ones(order.size, dtype=bool), places[order])}
        start = 0
        for name in asked:
            there, values = np.zeros(order.size, dtype=bool), np.zeros(order.size)
            end = start + len(tags[name].values)
            there[start:end], values[start:end] = True, np.array(tags[name].values)
            bad = ~np.isfinite(values)
            if bad.any():
                raise InputError(
                    f"{path.name}, event {places[np.argmax(bad)]}: {values[np.argmax(bad)]} in '{name}' is not a "
                    "finite number; name another tag."
                )
            out[name], start = Cells(values[order], there[order], places[order]), end
        return out

    return Table(path, "TensorBoard events", (STEP, *tags), columns, place="event")


def _records(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while head := stream.read(12):
            if len(head) < 12 or _masked(head[:8]) != int.from_bytes(head[8:], "little"):
                raise _damaged(path)
            # Only a length whose checksum is right is believed, so that nothing absurd is read.
            length = int.from_bytes(head[:8], "little")
            body = stream.read(length + 4)
            if len(body) < length + 4 or _masked(body[:length]) != int.from_bytes(body[length:], "little"):
                raise _damaged(path)
            yield body[:length]


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path.name} is damaged, cut, or still being written: a record in it fails its checksum; use a whole copy."
    )


def _collect(path: Path, event: bytes, place: int, tags: dict[str, _Tag]) -> None:
    step, summaries = 0, []
    for number, value in _fields(event):
        if number == 2 and isinstance(value, int):
            step = value - (1 << 64) if value >= 1 << 63 else value
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            scalar = _scalar(value) if number == 1 and isinstance(value, bytes) else None
            if scalar is not None:
                name = name_of(path, scalar[0])
                if name == STEP:
                    raise InputError(f"{path.name} has a scalar named '{STEP}', as its own steps are: rename it.")
                tag = tags.setdefault(name, _Tag())
                tag.steps.append(float(step))
                tag.values.append(scalar[1])
                tag.places.append(place)


def _scalar(value: bytes) -> tuple[str, float] | None:
    """Return tag and number of a value; None for texts, pictures and histograms."""
    tag, number = "", None
    for key, content in _fields(value):
        if key == 1 and isinstance(content, bytes):
            tag = content.decode("utf-8")
        elif key == 2 and isinstance(content, bytes):
            number = float(struct.unpack("<f", content)[0])
        elif key == 8 and isinstance(content, bytes):
            number = _tensor(content)
    return None if number is None else (tag, number)


def _tensor(content: bytes) -> float | None:
    """Return the number of a float or double tensor that holds one."""
    kind, raw = 0, b""
    for key, value in _fields(content):
        if key == 1 and isinstance(value, int):
            kind = value
        elif key in (4, 5, 6) and isinstance(value, bytes):  # bytes of the tensor, or its packed numbers
            raw += value
    form = {FLOAT: "<f", DOUBLE: "<d"}.get(kind)
    if form is None or len(raw) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, raw)[0])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Return numbers and contents of the fields of a protobuf message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            if wire != 2:
                raise ValueError("unknown wire type")
            size, at = _varint(message, at)
        if at + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC = _crc_table()


def _masked(content: bytes) -> int:
    """Return the checksum of a record: CRC-32C, rotated and shifted as TFRecord files store it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = CRC[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
