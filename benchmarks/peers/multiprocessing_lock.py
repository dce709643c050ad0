"""What multiprocessing.Lock costs, alone and between processes; the same lines as `floor lock` (benchmarks/floors/locks.c).

    multiprocessing_lock.py PROCESSES [CORE...]      the core of the parent; cores of the others, in turns
"""

import ctypes
import mmap
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PAIRS_PER_LOOK = 1000
SECTIONS_PER_LOOK = 16

now = time.monotonic_ns


def say(*words):
    print(*words, flush=True)


def pairs(lock, ms):
    acquire, release = lock.acquire, lock.release
    count = 0
    start = looked = now()
    end = start + ms * 1_000_000
    while looked < end:
        for _ in range(PAIRS_PER_LOOK):
            acquire()
            release()
        count += PAIRS_PER_LOOK
        looked = now()
    return count, looked - start


def contend(lock, counter, start, end):
    """Its sections, its longest wait and when the last section ended."""
    acquire, release = lock.acquire, lock.release
    time.sleep(max(0, start - now()) / 1e9)
    sections = longest = last = 0
    looked = now()
    while True:
        acquire()
        count = counter[0] + 1
        counter[0] = count
        release()
        sections += 1
        if count != last + 1 or sections % SECTIONS_PER_LOOK == 0:
            before, looked = looked, now()
            longest = max(longest, looked - before)
            if looked >= end:
                return sections, longest, looked
        last = count


def take_part(lock, counter, orders):
    try:
        while True:
            orders.send(contend(lock, counter, *orders.recv()))
    except (EOFError, OSError):
        os._exit(0)


def end_with_parent(parent):
    """Whoever waits for a lock of the dead would wait for ever; prctl(2)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def start_children(context, lock, counter, count, cores):
    parent = os.getpid()
    pids, ends = [], []
    for at in range(count):
        ours, theirs = context.Pipe()
        pid = os.fork()
        if pid == 0:
            end_with_parent(parent)
            if cores:
                os.sched_setaffinity(0, [cores[at % len(cores)]])
            take_part(lock, counter, theirs)
        theirs.close()
        pids.append(pid)
        ends.append(ours)
    return pids, ends


def receive_all(ends):
    """What each has sent, in their order; whoever comes first may be the one that has died."""
    received = {}
    while len(received) < len(ends):
        for end in multiprocessing.connection.wait([end for end in ends if end not in received]):
            received[end] = end.recv()
    return [received[end] for end in ends]


def main():
    # Ctrl-C is no error.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    count, *cores = map(int, sys.argv[1:])
    if cores:
        os.sched_setaffinity(0, cores[:1])
    context = multiprocessing.get_context("fork")
    lock = context.Lock()
    counter = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")
    pids, ends = start_children(context, lock, counter, count, cores)
    say("ready", os.getpid(), *pids)
    for line in sys.stdin:
        word, ms = line.split()
        if word == "pairs":
            say(*pairs(lock, int(ms)))
            continue
        counter[0] = 0
        # So late that all of them are there.
        start = now() + (5 + count) * 1_000_000
        try:
            for end in ends:
                end.send((start, start + int(ms) * 1_000_000))
            outcomes = receive_all(ends)
        except (EOFError, OSError):
            sys.exit("the peer has died")
        last = max(end for _, _, end in outcomes)
        say(counter[0], last - start, *(figure for outcome in outcomes for figure in outcome[:2]))
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


main()
