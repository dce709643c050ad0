"""The other end of test/python.test.ts: `peer.py TASK ROLE URL [LIMIT]`.

The first line of stdin is the key, or empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading

import strait

SIZES = (0, 1, 7, 8, 9, 4096, 65528, 65529, 1024 * 1024, 16 * 1024 * 1024, 0, 3)


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def meet(role: str, url: str, limit: int) -> strait.Channel:
    key = sys.stdin.readline().strip() or None
    if role == 'connect':
        return strait.connect(url, key=key, max_message_size=limit, wait=60)
    with strait.listen(url, key=key, max_message_size=limit) as listener:
        say(listener.url)
        channel = listener.accept()
    assert channel is not None
    return channel


def exchange(channel: strait.Channel, closes: bool) -> None:
    """Sends in one thread what it receives in another, and says the checksums of both."""
    sent, received = [], []

    def send() -> None:
        for size in SIZES:
            message = os.urandom(size)
            sent.append(hashlib.sha256(message).hexdigest())
            channel.send(message)

    sending = threading.Thread(target=send)
    sending.start()
    for message in channel:
        received.append(hashlib.sha256(message).hexdigest())
        if closes and len(received) == len(SIZES):
            break
    sending.join()
    channel.close()
    say({'sent': sent, 'received': received, 'error': channel.error and channel.error.code})


def stay(channel: strait.Channel) -> None:
    """Sends a hundred messages and then reads for ever."""
    for number in range(100):
        channel.send(b'%d' % number)
    say('sent')
    with contextlib.suppress(strait.StraitError):
        for _ in channel:
            pass
    channel.close()


def tell(channel: strait.Channel) -> None:
    """Waits for a line, then reads to the end and says how many messages and which end there were."""
    say('met')
    sys.stdin.readline()
    count, end = 0, 'clean'
    try:
        for message in channel:
            assert message == b'%d' % count
            count += 1
    except strait.StraitError as error:
        end = error.code
    channel.close()
    say({'count': count, 'end': end})


def main() -> None:
    task, role, url, *limit = sys.argv[1:]
    try:
        channel = meet(role, url, int(limit[0]) if limit else strait.DEFAULT_MAX_MESSAGE_SIZE)
    except strait.StraitError as error:
        say(error.code)
        return
    if task == 'stay':
        stay(channel)
    elif task == 'tell':
        tell(channel)
    else:
        exchange(channel, closes=task == 'exchange-and-close')


if __name__ == '__main__':
    main()
