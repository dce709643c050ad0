"""Answers calls of `add` that come over the Unix socket given: docs/wire-format.md, Calls, with JSON as the codec."""

import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / 'interop/python'))

import strait  # noqa: E402

CALL, RESULT, ERROR = 1, 7, 8
HEAD = struct.Struct('<IBBHI')
FUNCTIONS = {'add': lambda a, b: a + b}


def frames(message: bytes):
    at = 0
    while at < len(message):
        length, kind, name, _buffers, call = HEAD.unpack_from(message, at)
        start, at = at + HEAD.size, at + 4 + length
        yield kind, call, message[start:start + name].decode(), message[start + name:at]


def frame(kind: int, call: int, value: object) -> bytes:
    body = json.dumps(value).encode()
    return HEAD.pack(HEAD.size - 4 + len(body), kind, 0, 0, call) + body


with strait.connect(sys.argv[1]) as channel:
    for message in channel:
        answers = b''
        for kind, call, name, body in frames(bytes(message)):
            if kind != CALL:
                continue
            try:
                answers += frame(RESULT, call, FUNCTIONS[name](*json.loads(body or '[]')))
            except Exception as error:
                answers += frame(ERROR, call, {'name': type(error).__name__, 'message': str(error)})
        if answers:
            channel.send(answers)
