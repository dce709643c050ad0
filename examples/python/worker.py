"""Computes Fibonacci numbers for the program that listens at the URL given; the key comes by stdin."""

import json
import pathlib
import sys

# Or copy strait.py beside your program.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'interop/python'))

import strait  # noqa: E402


def fib(n: int) -> int:
    return 1 if n < 2 else fib(n - 1) + fib(n - 2)


with strait.connect(sys.argv[1], key=sys.stdin.read()) as channel:
    for job in channel:
        channel.send(json.dumps(fib(json.loads(job))).encode())
