"""What a job costs in Python's pools.

    pool-python.py apply|map|executor WORKERS

Says `ready` and the pids of its processes; answers `one COUNT` with the median and p99 of ns, `batch COUNT` with ns for a job.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import time

now = time.monotonic_ns


def add_one(i):
    return i + 1


def add(a, b):
    return a + b


def where(_):
    time.sleep(0.01)
    return os.getpid()


class Apply:
    """One call at a time; many at once by apply_async."""

    def __init__(self, workers):
        self.pool = multiprocessing.get_context('fork').Pool(workers)
        self.pids = [process.pid for process in self.pool._pool]

    def one(self, i):
        return self.pool.apply(add, (i, 1))

    def batch(self, function, items):
        results = [self.pool.apply_async(function, (item,)) for item in items]
        return [result.get() for result in results]

    def close(self):
        self.pool.close()
        self.pool.join()


class Map(Apply):
    def one(self, i):
        return self.pool.map(add_one, [i], chunksize=1)[0]

    def batch(self, function, items):
        return self.pool.map(function, items, chunksize=1)


class Executor:
    def __init__(self, workers):
        context = multiprocessing.get_context('fork')
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)
        list(self.pool.map(where, range(4 * workers)))
        self.pids = list(self.pool._processes)

    def one(self, i):
        return self.pool.submit(add, i, 1).result()

    def batch(self, function, items):
        return list(self.pool.map(function, items))

    def close(self):
        self.pool.shutdown()


def one(pool, count):
    times = []
    for i in range(count):
        start = now()
        result = pool.one(i)
        times.append(now() - start)
        if result != i + 1:
            sys.exit('a wrong result')
    times.sort()
    return times[count // 2], times[count * 99 // 100]


def batch(pool, count):
    start = now()
    results = pool.batch(add_one, range(count))
    end = now()
    if results != list(range(1, count + 1)):
        sys.exit('a wrong result')
    return (end - start) / count


def main():
    # Ctrl-C is no error.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    kind, workers = sys.argv[1], int(sys.argv[2])
    pool = {'apply': Apply, 'map': Map, 'executor': Executor}[kind](workers)
    print('ready', os.getpid(), *pool.pids, flush=True)
    for line in sys.stdin:
        word, count = line.split()
        if word == 'one':
            print(*one(pool, int(count)), flush=True)
        else:
            print(batch(pool, int(count)), flush=True)
    pool.close()


if __name__ == '__main__':
    main()
