"""Round trips over multiprocessing.Pipe, which is a Unix socketpair; the same lines as the floors (benchmarks/floors/floor.h).

    multiprocessing_pipe.py BYTES [CORE CORE]      the cores of the parent and of the child
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
# One byte, repeated. The highest bit says that another message follows in this stretch; the others count.
MORE, COUNT = 0x80, 0x7F
# A byte of each cache line is looked at.
CACHE_LINE = 64

now = time.monotonic_ns


def read_payload(payload, size):
    byte = payload[0]
    looked_at = payload[::CACHE_LINE] + payload[-1:]
    if len(payload) != size or looked_at.count(byte) != len(looked_at):
        sys.exit("a payload was damaged")
    return byte


def answer(end, size):
    damage = os.environ.get("STRAIT_PLANT_DAMAGE")
    while True:
        byte = read_payload(end.recv_bytes(), size) & COUNT
        payload = bytes([byte]) * size
        end.send_bytes(payload[:-1] + bytes([byte ^ 1]) if damage else payload)


def pause(us, how):
    if how == "asleep":
        time.sleep(us / 1e6)
        return
    end = now() + us * 1000
    while now() < end:
        pass


def run(end, size, ms, us=0, how=None):
    durations = []
    stop = now() + ms * 1_000_000
    count = 0
    while True:
        if how is not None:
            pause(us, how)
        count = count + 1 & COUNT
        question = bytes([MORE | count]) * size
        before = now()
        end.send_bytes(question)
        payload = end.recv_bytes()
        after = now()
        durations.append(after - before)
        if read_payload(payload, size) != count:
            sys.exit("an answer to another question")
        if now() >= stop:
            return durations


def start_child(theirs, size, cores):
    parent = os.getpid()
    pid = os.fork()
    if pid > 0:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
    if cores:
        os.sched_setaffinity(0, cores[1:])
    try:
        answer(theirs, size)
    except (EOFError, OSError):
        os._exit(0)


def main():
    # Ctrl-C is no error.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    size, *cores = map(int, sys.argv[1:])
    if cores:
        os.sched_setaffinity(0, cores[:1])
    ours, theirs = multiprocessing.Pipe()
    pid = start_child(theirs, size, cores)
    theirs.close()
    print("ready", os.getpid(), pid, flush=True)
    for line in sys.stdin:
        _, ms, *pause_words = line.split()
        us, how = pause_words or (0, None)
        try:
            durations = run(ours, size, int(ms), int(us), how)
        except (EOFError, OSError):
            sys.exit("the peer has died")
        print(*durations, flush=True)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)


main()
