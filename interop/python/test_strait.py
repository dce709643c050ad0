"""python3 -m unittest discover interop/python"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import pathlib
import pickle
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings
from typing import Any, Callable, Iterator, Optional
from unittest import mock

import strait

VECTORS = json.loads(
    (pathlib.Path(__file__).parents[2] / 'docs/wire-format.vectors.json').read_text(encoding='utf-8')
)
MIB = 1024 * 1024
GREETING = bytes.fromhex(VECTORS['greetings'][0]['connect']['writes'][0])
END, PING, PONG = (
    bytes.fromhex(next(frame['bytes'] for frame in VECTORS['frames'] if frame['kind'] == kind))
    for kind in ('END', 'PING', 'PONG')
)
# Only ends a run that is lost.
GUARD = 60.0

warnings.simplefilter('error', ResourceWarning)


def frame(payload: bytes) -> bytes:
    return bytes(4) + len(payload).to_bytes(4, 'little') + payload


def options(key: Optional[bytes] = None, limit: int = 16 * MIB, timeout: float = GUARD) -> Any:
    return strait._check(key, limit, timeout)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    read = b''
    while len(read) < count:
        chunk = sock.recv(count - len(read))
        if not chunk:
            raise EOFError(read)
        read += chunk
    return read


def read_all(sock: socket.socket) -> bytes:
    read = bytearray()
    # The peer may leave something unread; the kernel tells it behind what was said.
    with contextlib.suppress(ConnectionResetError):
        for chunk in iter(lambda: sock.recv(MIB), b''):
            read += chunk
    return bytes(read)


class Running(threading.Thread):
    """A call in another thread, and what came of it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._error: Optional[BaseException] = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(GUARD)
        if self.is_alive():
            raise AssertionError('it hangs')
        if self._error is not None:
            raise self._error
        return self._value


class Case(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix='strait-test-')
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def at(self, name: str) -> str:
        return f'unix:{self.directory}/{name}'

    @contextlib.contextmanager
    def fails(self, code: str, reason: str = '') -> Iterator[None]:
        with self.assertRaisesRegex(strait.StraitError, reason) as caught:
            yield
        self.assertEqual(caught.exception.code, f'ERR_STRAIT_{code}')

    def raw(self, limit: int = 16 * MIB) -> tuple[strait.Channel, socket.socket]:
        """A channel, and the socket of a peer that this test plays."""
        ours, theirs = socket.socketpair()
        theirs.sendall(GREETING)
        channel = strait.Channel(ours, 'connect', 'unix:/test', options(limit=limit))
        read_exactly(theirs, len(GREETING))
        theirs.settimeout(GUARD)
        self.addCleanup(theirs.close)
        self.addCleanup(channel.abort)
        return channel, theirs

    def pair(self, scheme: str = 'unix', **named: Any) -> tuple[strait.Channel, strait.Channel]:
        url = self.at('pair') if scheme == 'unix' else 'tcp://127.0.0.1:0'
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', RuntimeWarning)
            listener = strait.listen(url, **named)
        with listener:
            here = strait.connect(listener.url, **named)
            there = listener.accept(GUARD)
        assert there is not None
        self.addCleanup(here.abort)
        self.addCleanup(there.abort)
        return here, there

    def fill(self, channel: strait.Channel) -> tuple[int, Running]:
        """Sends until the peer, who does not read, makes the send wait; says how many went before it."""
        went = 0
        stuck = threading.Event()
        poll = channel._poll

        def polls(*args: Any) -> None:
            if threading.current_thread() is sending:
                stuck.set()
            poll(*args)

        def send() -> None:
            nonlocal went
            while not stuck.is_set():
                channel.send(bytes(60_000))
                went += 1

        channel._poll = polls  # type: ignore[method-assign]
        sending = Running.__new__(Running)
        Running.__init__(sending, send)
        self.assertTrue(stuck.wait(GUARD))
        return went, sending


class WireFormat(Case):
    """The same vectors as packages/core/test/wire-vectors.test.ts."""

    def test_greetings_as_either_end(self) -> None:
        for case in VECTORS['greetings']:
            for role, other in (('connect', 'listen'), ('listen', 'connect')):
                with self.subTest(case['name'], role=role):
                    mine, theirs = case[role], case[other]
                    key = case.get('text') or (bytes.fromhex(case['key']) if 'key' in case else None)
                    ours, peer = socket.socketpair()
                    with peer, mock.patch('secrets.token_bytes', lambda _: bytes.fromhex(mine['nonce'])):
                        peer.sendall(bytes.fromhex(''.join(theirs['writes'])))
                        limits = options(key, mine['maxMessageSize'])
                        channel = strait.Channel(ours, role, 'unix:/test', limits)
                        channel.abort()
                        self.assertEqual(read_all(peer).hex(), ''.join(mine['writes']))
                        self.assertEqual(channel.max_message_size, case['agreed'])

    def test_refused_greetings(self) -> None:
        for case in VECTORS['refusedGreetings']:
            with self.subTest(case['name']):
                ours, peer = socket.socketpair()
                with peer:
                    peer.sendall(bytes.fromhex(case['bytes']))
                    peer.shutdown(socket.SHUT_WR)
                    key = bytes.fromhex(case['key']) if 'key' in case else None
                    with self.fails(case['code']):
                        strait.Channel(ours, 'listen', 'unix:/test', options(key))
                    self.assertEqual(ours.fileno(), -1)

    def test_frames_written(self) -> None:
        for case in VECTORS['frames']:
            if case['kind'] == 'PING':
                continue  # this end answers pings and sends none
            with self.subTest(case['name']):
                channel, peer = self.raw()
                if case['kind'] == 'DATA':
                    channel.send(bytes.fromhex(case['payload']))
                elif case['kind'] == 'PONG':
                    peer.sendall(PING)
                    with self.fails('TIMEOUT'):
                        channel.receive(0)
                else:
                    peer.sendall(END)
                    channel.close()
                written = bytes.fromhex(case['bytes'])
                self.assertEqual(read_exactly(peer, len(written)), written)

    def read_stream(self, stream: bytes, size: int, limit: int) -> tuple[list[str], str, bytes]:
        channel, peer = self.raw(limit)
        messages, end = [], 'clean'
        reading = Running(lambda: messages.extend(message.hex() for message in channel))
        with contextlib.suppress(BrokenPipeError):  # nobody need wait for the rest of what is none
            for at in range(0, len(stream), size):
                peer.sendall(stream[at:at + size])
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_WR)
        try:
            reading.result()
        except strait.StraitError as error:
            end = error.code.replace('ERR_STRAIT_', '')
        channel.close()
        return messages, end, read_all(peer)

    def test_streams_read(self) -> None:
        for case in VECTORS['streams']:
            stream = bytes.fromhex(case['bytes'])
            for size in (len(stream), 1):
                with self.subTest(case['name'], size=size):
                    messages, end, said = self.read_stream(stream, size, case.get('limit', 65536))
                    self.assertEqual(messages, case['messages'])
                    self.assertEqual(end, case['end'])
                    if end == 'clean':
                        self.assertEqual(said.hex(), ''.join(case.get('answers', [])) + END.hex())

    def test_hang_ups_everywhere(self) -> None:
        stream = bytes.fromhex(VECTORS['hangUps']['bytes'])
        for case in VECTORS['hangUps']['after']:
            for length in range(case['from'], case['to'] + 1):
                with self.subTest(length=length):
                    messages, end, _ = self.read_stream(stream[:length], MIB, 65536)
                    self.assertEqual((messages, end), (case['messages'], case['end']))


class Messages(Case):
    def test_c1_one_send_is_one_receive_both_ways_at_once(self) -> None:
        sizes = [0, 1, 7, 8, 9, 4096, 65527, 65528, 65529, 65536, 262144, 16 * MIB, 0, 3]
        for scheme in ('unix', 'tcp'):
            for key in (None, 'open sesame'):
                with self.subTest(scheme, key=key):
                    ends = self.pair(scheme, key=key)
                    messages = [os.urandom(size) for size in sizes]
                    sending = [Running(lambda end=end: [end.send(each) for each in messages]) for end in ends]
                    reading = [Running(lambda end=end: [end.receive() for _ in sizes]) for end in ends]
                    for running in sending:
                        running.result()
                    for running in reading:
                        self.assertTrue(running.result() == messages)
                    closing = Running(ends[0].close)
                    self.assertIsNone(ends[1].receive(GUARD))
                    closing.result()
                    ends[1].close()
                    self.assertEqual([end.error for end in ends], [None, None])

    def test_c1_one_byte_more_is_too_large_and_nothing_has_left(self) -> None:
        here, there = self.pair(max_message_size=5)
        with self.fails('TOO_LARGE', 'the message has 6 bytes, the limit is 5'):
            here.send(bytes(6))
        here.send(b'fives')
        self.assertEqual(there.receive(GUARD), b'fives')

    def test_c1_an_announced_length_allocates_nothing(self) -> None:
        channel, peer = self.raw(strait.LARGEST_MAX_MESSAGE_SIZE)
        peer.sendall(frame(b'')[:4] + (16 * MIB).to_bytes(4, 'little'))
        with self.fails('TIMEOUT'):
            channel.receive(0)
        self.assertLess(channel._in.__sizeof__(), 2 * 65536)

    def test_any_bytes_like_object_is_a_message_and_nothing_else(self) -> None:
        here, there = self.pair()
        wide = memoryview(b'\1\0\2\0').cast('H')
        for message in (bytearray(b'ab'), memoryview(b'cd'), wide):
            here.send(message)  # type: ignore[arg-type]
        self.assertEqual([there.receive(GUARD) for _ in range(3)], [b'ab', b'cd', b'\1\0\2\0'])
        for message in ('text', 7, None):
            with self.assertRaises(TypeError):
                here.send(message)  # type: ignore[arg-type]

    def test_c9_a_receive_that_timed_out_has_lost_nothing(self) -> None:
        channel, peer = self.raw()
        whole = frame(b'hello')
        for at in range(len(whole)):
            with self.fails('TIMEOUT', 'no message came within'):
                channel.receive(0.001 if at % 2 else 0)
            peer.sendall(whole[at:at + 1])
        self.assertEqual(channel.receive(0), b'hello')

    def test_c4_who_does_not_read_makes_the_sender_wait_and_loses_nothing(self) -> None:
        here, there = self.pair()
        went, sending = self.fill(here)
        self.assertTrue(sending.is_alive())
        self.assertLess(went * 60_000, 4 * MIB)
        for _ in range(went + 1):
            self.assertEqual(there.receive(GUARD), bytes(60_000))
        sending.result()
        with self.fails('TIMEOUT'):
            there.receive(0)

    def test_a_flood_of_pongs_does_not_outlast_a_timeout(self) -> None:
        channel, peer = self.raw()

        def more() -> bool:
            channel._in += PONG
            return True

        with mock.patch.object(channel, '_read', more):
            with self.fails('TIMEOUT'):
                Running(lambda: channel.receive(0.01)).result()
            Running(lambda: channel.send(b'a send comes through')).result()


class Ends(Case):
    def test_c6_close_delivers_everything_although_this_end_never_read(self) -> None:
        for scheme in ('unix', 'tcp'):
            with self.subTest(scheme):
                here, there = self.pair(scheme)
                went, stuck = self.fill(there)
                sending = Running(lambda: [here.send(bytes([i]) * 50_000) for i in range(100)])
                messages = []
                for message in iter(lambda: there.receive(GUARD), None):
                    if not messages:
                        first = message
                    messages.append(message)
                    if len(messages) == 100:
                        sending.result()
                        closing = Running(here.close)
                self.assertEqual(first, bytes(50_000))
                self.assertEqual([message[0] for message in messages], list(range(100)))
                with self.assertRaises(strait.StraitError) as refused:
                    there.send(b'x')
                self.assertEqual(refused.exception.code, 'ERR_STRAIT_CLOSED')
                closing.result()
                with contextlib.suppress(strait.StraitError):
                    stuck.result()
                there.close()
                self.assertEqual((here.error, there.error), (None, None))

    def test_c6_a_close_that_finds_a_send_waiting_reads_so_that_both_come_to_an_end(self) -> None:
        here, there = self.pair()
        (went, sending), (_, theirs) = self.fill(here), self.fill(there)
        closing = Running(here.close)
        theirs.join(GUARD)  # its messages are dropped, so it comes through
        received = sum(1 for _ in there)
        self.assertEqual(received, went + 1)
        closing.result()
        sending.result()

    def test_c6_after_the_peer_has_closed_everything_is_handed_out_and_sends_fail(self) -> None:
        here, there = self.pair()
        here.send(b'1')
        here.send(b'2')
        closing = Running(here.close)
        self.assertEqual(there.receive(GUARD), b'1')
        self.assertEqual(there.receive(GUARD), b'2')
        self.assertIsNone(there.receive(GUARD))
        self.assertIsNone(there.receive(GUARD))
        with self.fails('CLOSED', 'the peer has closed the channel'):
            there.send(b'')
        closing.result()
        self.assertIsNone(here.receive())
        with self.fails('CLOSED', 'this end has closed the channel'):
            here.send(b'')
        for end in (here, there, here, there):
            end.close()
        for end in (here, there):
            end.abort()
            self.assertIsNone(end.receive())
            self.assertIsNone(end.error)

    def test_c6_who_only_sends_hears_of_the_end_too(self) -> None:
        here, there = self.pair()
        closing = Running(here.close)

        def produce() -> None:
            while True:
                there.send(bytes(1000))

        with self.fails('CLOSED', 'the peer has closed'):
            Running(produce).result()
        closing.result()

    def test_c6_a_peer_that_does_not_close_is_aborted_by_the_timeout(self) -> None:
        channel, peer = self.raw()
        with self.fails('TIMEOUT', 'the peer did not close'):
            channel.close(0.01)
        self.assertEqual(read_all(peer), END)
        channel.close()
        with mock.patch('strait._LINGER', 0.01), self.raw()[0]:
            pass

    def test_c7_a_dead_peer_is_reset_behind_what_had_arrived_also_after_a_failed_send(self) -> None:
        for scheme in ('unix', 'tcp'):
            with self.subTest(scheme):
                here, there = self.pair(scheme)
                for i in range(100):
                    there.send(bytes([i]))
                here.send(b'unread')  # so that the kernel says reset, where it does
                there.abort()
                failure = None
                while failure is None:
                    try:
                        here.send(bytes(60_000))
                    except strait.StraitError as error:
                        failure = error
                self.assertEqual(failure.code, 'ERR_STRAIT_RESET')
                self.assertEqual([here.receive(GUARD) for _ in range(100)], [bytes([i]) for i in range(100)])
                for call in (here.receive, here.receive, lambda: here.send(b'')):
                    with self.assertRaises(strait.StraitError) as again:
                        call()
                    self.assertIs(again.exception, failure)
                here.close()
                self.assertIs(here.error, failure)

    def test_c7_a_failed_send_to_a_peer_that_had_closed_is_a_clean_end_after_all(self) -> None:
        channel, peer = self.raw()
        peer.sendall(frame(b'1') + frame(b'2') + END)
        peer.close()
        with self.fails('RESET'):
            channel.send(b'x')
        self.assertEqual(list(channel), [b'1', b'2'])
        self.assertIsNone(channel.error)
        with self.fails('CLOSED'):
            channel.send(b'x')

    def test_c7_a_peer_that_misbehaves_is_hung_up_on(self) -> None:
        channel, peer = self.raw()
        peer.sendall(frame(b'1') + b'\x77' + bytes(7))
        self.assertEqual(channel.receive(), b'1')
        with self.fails('CORRUPT'):
            channel.receive()
        self.assertEqual(read_all(peer), b'')

    def test_c8_close_and_abort_unblock_a_receive(self) -> None:
        channel, peer = self.raw()
        waiting = self.waiting(channel)
        closing = Running(channel.close)
        self.assertIsNone(waiting.result())
        self.assertEqual(read_exactly(peer, 8), END)
        self.assertTrue(closing.is_alive())
        peer.sendall(frame(b'dropped') + END)
        closing.result()

        channel, _ = self.raw()
        waiting = self.waiting(channel)
        channel.abort()
        with self.fails('ABORTED'):
            waiting.result()
        for call in (channel.receive, lambda: channel.send(b'')):
            with self.fails('ABORTED'):
                call()

    def test_c8_abort_unblocks_a_send_and_a_close(self) -> None:
        for scheme in ('unix', 'tcp'):
            here, there = self.pair(scheme)
            _, sending = self.fill(here)
            here.abort()
            with self.fails('ABORTED'):
                sending.result()
            there.abort()

        channel, peer = self.raw()
        closing = Running(channel.close)
        self.assertEqual(read_exactly(peer, 8), END)
        channel.abort()
        closing.result()

    def waiting(self, channel: strait.Channel) -> Running:
        """A receive in another thread that has come to wait."""
        waits = threading.Event()
        poll = channel._poll

        def polls(*args: Any) -> None:
            waits.set()
            poll(*args)

        channel._poll = polls  # type: ignore[method-assign]
        running = Running(channel.receive)
        self.assertTrue(waits.wait(GUARD))
        return running

    def test_c14_a_ping_is_answered_behind_a_send_that_waits_without_stopping_the_receiver(self) -> None:
        channel, peer = self.raw()
        went, sending = self.fill(channel)
        peer.sendall(PING + frame(b'x'))
        self.assertEqual(channel.receive(GUARD), b'x')
        expected = (frame(bytes(60_000)) * (went + 1)) + PONG
        self.assertTrue(read_exactly(peer, len(expected)) == expected)
        sending.result()

    def test_c14_a_ping_read_while_a_send_lets_go_of_its_turn_is_answered(self) -> None:
        channel, peer = self.raw()
        drain = channel._drain

        def drains(deadline: Optional[float]) -> bool:
            done = drain(deadline)
            if not peer_pinged.is_set():
                peer_pinged.set()
                channel._pong_due = True  # as a receiver leaves it that finds the turn taken
            return done

        peer_pinged = threading.Event()
        with mock.patch.object(channel, '_drain', drains):
            channel.send(b'x')
        self.assertEqual(read_exactly(peer, 17), frame(b'x') + PONG)

    def test_c14_a_ping_is_answered_as_soon_as_there_is_room(self) -> None:
        channel, peer = self.raw()
        went, sending = self.fill(channel)
        peer.setblocking(False)
        filled = bytearray()
        while sending.is_alive():
            with contextlib.suppress(BlockingIOError):
                filled += peer.recv(1)
        peer.settimeout(GUARD)
        # The pipe is as good as full; whoever receives waits for room besides.
        receiving = Running(channel.receive)
        peer.sendall(PING)
        expected = (frame(bytes(60_000)) * (went + 1)) + PONG
        self.assertTrue(bytes(filled) + read_exactly(peer, len(expected) - len(filled)) == expected)
        peer.sendall(frame(b'x'))
        self.assertEqual(receiving.result(), b'x')

    def test_c11_nothing_stays_open(self) -> None:
        def round_trip() -> None:
            for scheme in ('unix', 'tcp'):
                here, there = self.pair(scheme)
                closing = Running(here.close)
                there.close()
                closing.result()
                here, there = self.pair(scheme)
                here.abort()
                with self.fails('RESET'):
                    there.receive(GUARD)
                there.close()
            for call in (strait.connect, lambda url: strait.listen(url)):
                with self.assertRaises(strait.StraitError):
                    call(f'unix:{self.directory}/no/x')

        round_trip()
        before = set(os.listdir('/proc/self/fd')), threading.active_count()
        for _ in range(3):
            round_trip()
        self.assertEqual((set(os.listdir('/proc/self/fd')), threading.active_count()), before)


class Listeners(Case):
    def test_c13_the_key(self) -> None:
        url = self.at('a')
        with self.assertLogs('strait', logging.INFO) as log, strait.listen(url, key='right') as listener:
            for key in (None, 'wrong', b'right\1'):
                with self.fails('AUTH_FAILED'):
                    strait.connect(url, key=key)
            here = strait.connect(listener.url, key=b'right')
            there = listener.accept(GUARD)
        for text in (repr(listener), str(vars(listener)), repr(here), repr(vars(here)), *log.output):
            self.assertNotRegex(text, 'right|wrong')
        here.abort()
        there.abort()
        with strait.listen(self.at('b')) as listener, self.fails('AUTH_FAILED', 'the other end has no key'):
            strait.connect(listener.url, key='any')

    def test_c13_without_a_key_tcp_warns_and_unix_does_not(self) -> None:
        with self.assertWarnsRegex(RuntimeWarning, r'tcp://127.0.0.1:\d+ has no key'):
            strait.listen('tcp://127.0.0.1:0').close()
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            strait.listen('tcp://127.0.0.1:0', key='k').close()
            strait.listen(self.at('a')).close()

    def test_c10_connect_succeeds_before_accept_and_whatever_strangers_do(self) -> None:
        with strait.listen(self.at('a')) as listener:
            with socket.socket(socket.AF_UNIX) as mute, socket.socket(socket.AF_UNIX) as rude:
                mute.connect(listener.url[5:])
                rude.connect(listener.url[5:])
                rude.sendall(b'GET / HTTP/1.1\r\n\r\n')
                here = strait.connect(listener.url)
                there = listener.accept(GUARD)
                here.send(b'x')
                self.assertEqual(there.receive(GUARD), b'x')
                self.assertEqual(read_exactly(rude, 16)[:6], b'STRAIT')
                self.assertEqual(read_all(rude), b'')
            with self.fails('TIMEOUT'):
                listener.accept(0)
        there.abort()
        here.abort()

    def test_a_stranger_is_given_up_after_the_handshake_timeout(self) -> None:
        with strait.listen(self.at('a'), handshake_timeout=0.01) as listener:
            with socket.socket(socket.AF_UNIX) as mute:
                mute.connect(listener.url[5:])
                self.assertEqual(read_all(mute), GREETING)

    def test_with_a_full_backlog_a_newcomer_takes_the_place_of_the_oldest_stranger(self) -> None:
        with strait.listen(self.at('a'), backlog=2) as listener, contextlib.ExitStack() as stack:
            strangers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
            for stranger in strangers:
                stranger.connect(listener.url[5:])
                self.assertEqual(read_exactly(stranger, 16), GREETING)
            self.assertEqual(read_all(strangers[0]), b'')
            here = strait.connect(listener.url)
            self.assertEqual(read_all(strangers[1]), b'')
            strangers[2].setblocking(False)
            with self.assertRaises(BlockingIOError):
                strangers[2].recv(1)
            listener.accept(GUARD).abort()
            here.abort()

    def test_close_unblocks_accept_aborts_the_unaccepted_and_frees_the_name(self) -> None:
        for url in (self.at('a'), 'tcp://127.0.0.1:0'):
            with self.subTest(url):
                listener = strait.listen(url, key='k')
                unaccepted = strait.connect(listener.url, key='k')
                first = listener.accept(GUARD)
                again = strait.connect(listener.url, key='k')
                accepting = Running(lambda: list(listener))
                listener.close()
                listener.close()
                for channel in accepting.result():
                    channel.abort()
                self.assertIsNone(listener.accept())
                with self.fails('RESET'):
                    again.receive(GUARD)
                unaccepted.send(b'lives on')
                self.assertEqual(first.receive(GUARD), b'lives on')
                with self.fails('REFUSED', 'nobody is listening'):
                    strait.connect(listener.url, key='k')
                strait.listen(listener.url, key='k').close()
                for channel in (unaccepted, first, again):
                    channel.abort()
        self.assertEqual(os.listdir(self.directory), [])

    def test_too_many_open_files_are_told_and_the_next_call_tries_again(self) -> None:
        with strait.listen(self.at('a')) as listener, socket.socket(socket.AF_UNIX) as newcomer:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (newcomer.fileno() + 1, hard))
                taken = []
                with contextlib.suppress(OSError):
                    while True:
                        taken.append(os.open('/dev/null', os.O_RDONLY))
                newcomer.connect(listener.url[5:])
                with self.fails('NO_RESOURCES', 'ulimit -n'):
                    listener.accept(GUARD)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for descriptor in taken:
                    os.close(descriptor)
            newcomer.sendall(GREETING)
            listener.accept(GUARD).abort()


class Names(Case):
    def test_c10_in_use_and_nobody_there(self) -> None:
        with strait.listen(self.at('a')) as listener:
            self.assertEqual(stat.S_IMODE(os.stat(listener.url[5:]).st_mode), 0o600)
            with self.fails('ADDRESS_IN_USE'):
                strait.listen(self.at('a'))
        with self.fails('REFUSED', 'nobody is listening'):
            strait.connect(self.at('a'))
        with self.fails('REFUSED', 'nobody came to listen within 0.02 s'):
            strait.connect(self.at('a'), wait=0.02)
        with self.fails('ADDRESS_INVALID', 'the directory does not exist'):
            strait.listen(self.at('no/x'))
        with strait.listen('tcp://127.0.0.1:0', key='k') as listener:
            with self.fails('ADDRESS_IN_USE'):
                strait.listen(listener.url, key='k')

    def test_the_ends_may_start_in_either_order(self) -> None:
        connecting = Running(lambda: strait.connect(self.at('a'), wait=GUARD))
        with strait.listen(self.at('a')) as listener:
            listener.accept(GUARD).abort()
            connecting.result().abort()

    def leave_dead(self, name: str) -> None:
        """Leaves a socket on which nobody listens, as a killed listener does."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(f'{self.directory}/{name}')

    def test_c11_a_dead_name_goes_to_exactly_one_of_those_who_race_for_it(self) -> None:
        def race(name: str) -> Any:
            try:
                return strait.listen(self.at(name))
            except strait.StraitError as error:
                return error.code

        for name in ('a', 'b', 'c', 'd', 'e'):
            self.leave_dead(name)
            racing = [Running(lambda: race(name)) for _ in range(10)]
            results = [running.result() for running in racing]
            winners = [result for result in results if isinstance(result, strait.Listener)]
            self.assertEqual(len(winners), 1, results)
            self.assertEqual(results.count('ERR_STRAIT_ADDRESS_IN_USE'), 9)
            strait.connect(self.at(name)).abort()
            winners[0].close()
        self.assertEqual(os.listdir(self.directory), [])

    def test_c11_who_claims_a_name_waits_for_the_lock_of_whoever_does_so_in_node(self) -> None:
        there = os.stat(self.directory)
        digest = hashlib.sha256(f'{there.st_dev}:{there.st_ino}:a'.encode()).hexdigest()
        with socket.socket(socket.AF_UNIX) as lock:
            lock.bind('\0' + f'strait/claim/{digest}/'.ljust(107, '-'))
            lock.listen()
            listening = Running(lambda: strait.listen(self.at('a')))
            lock.accept()[0].close()
            self.assertEqual(os.listdir(self.directory), [])
        listening.result().close()

    def test_c11_a_killed_listener_is_taken_over(self) -> None:
        program = f'import strait, sys; strait.listen({self.at("a")!r}); print(); sys.stdout.flush(); input()'
        here = str(pathlib.Path(__file__).parent)
        with subprocess.Popen(
            [sys.executable, '-c', program], cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            self.assertEqual(child.stdout.readline(), b'\n')
            with self.fails('ADDRESS_IN_USE'):
                strait.listen(self.at('a'))
            child.kill()
        self.assertEqual(os.listdir(self.directory), ['a'])
        strait.listen(self.at('a')).close()
        self.assertEqual(os.listdir(self.directory), [])

    def test_c13_what_is_not_a_dead_socket_of_ours_stays(self) -> None:
        path = pathlib.Path(self.directory)
        (path / 'file').write_text('precious')
        (path / 'link').symlink_to(path / 'real')
        (path / 'dangling').symlink_to('/nowhere')
        with strait.listen(self.at('real')):
            for name, code, theirs in (
                ('file', 'ADDRESS_IN_USE', 'ADDRESS_INVALID'),
                ('link', 'PERMISSION', 'PERMISSION'),
                ('dangling', 'PERMISSION', 'PERMISSION'),
            ):
                with self.fails(code):
                    strait.listen(self.at(name))
                with self.fails(theirs):
                    strait.connect(self.at(name))
        self.assertEqual((path / 'file').read_text(), 'precious')
        self.assertTrue((path / 'link').is_symlink())

    def test_c11_close_leaves_what_somebody_has_put_in_our_place(self) -> None:
        listener = strait.listen(self.at('a'))
        os.unlink(listener.url[5:])
        with strait.listen(self.at('a')):
            listener.close()
            strait.connect(self.at('a')).abort()
        gone = strait.listen(self.at('a'))
        os.unlink(gone.url[5:])
        gone.close()

    @unittest.skipUnless(os.geteuid() == 0, 'needs root, to become somebody else')
    def test_c13_another_user_is_not_trusted_unless_named(self) -> None:
        self.leave_dead('theirs')
        os.chown(f'{self.directory}/theirs', 65534, 65534)
        with self.fails('PERMISSION', 'of user 65534'):
            strait.listen(self.at('theirs'))
        with strait.listen(self.at('a')) as listener:
            os.chown(listener.url[5:], 65534, 65534)
            with self.fails('PERMISSION', 'belongs to user 65534'):
                strait.connect(listener.url)
            strait.connect(listener.url, owner=65534).abort()
            listener.accept(GUARD).abort()

    def test_c10_addresses_are_refused_rather_than_repaired(self) -> None:
        for address in (
            'unix:/tmp/../x', 'unix:/tmp/./x', 'unix:/tmp/..', 'unix:../x', 'unix:///../x',
            'unix:/tmp/%2e%2e/x', 'unix:/tmp/.%2E/x', 'unix:/tmp/x#y', 'unix:/tmp/x#',
            'tcp://me@127.0.0.1:7000', 'tcp://@127.0.0.1:7000', 'unix:/tmp/a b', ' unix:/tmp/x',
            'unix:/tmp/x ', 'unix:/tmp/a\tb', 'unix:/tmp/x\n', 'unix:/tmp/a\0b', 'unix:/tmp/a\x7fb',
            'unix:\\tmp', 'unix:/tmp/\ud800', '', '/tmp/x', ':x', 'UNIX:/tmp/x', 'mq:jobs',
            'tcp://127.0.0.1:65536', 'tcp://127.0.0.1:http', 'tcp://[::1:7000', 'tcp://[x]:1',
            'tcp://h\u00e9:1', 'tcp://127.0.0.1', 'tcp://127.0.0.1:', 'tcp://:7000', 'tcp:127.0.0.1:7000',
            'tcp://127.0.0.1:70/x', 'tcp://a%20b:1', 'unix:/tmp/%zz', 'unix:/tmp/%4', 'unix:/tmp/%ff',
            'unix:/tmp/%00', 'unix:/tmp/a%2f..%2fb', 'unix:/tmp%2f..', 'unix://run/x', 'unix://@x', 'unix:',
            'unix:x', 'unix:/', 'unix:/run/', 'unix://', 'unix:/a%2f', f'unix:/{"x" * 107}',
            f'unix:/{chr(233) * 54}', 'unix:/tmp/x?mode=1',
        ):  # fmt: skip
            for call in (strait.connect, strait.listen):
                with self.subTest(address), self.fails('ADDRESS_INVALID'):
                    call(address)
        with self.fails('ADDRESS_INVALID', 'nobody listens on port 0'):
            strait.connect('tcp://127.0.0.1:0')
        with self.fails('NOT_SUPPORTED'):
            strait.listen('unix:@x')
        for address, path in (
            ('unix:/run/app.sock', '/run/app.sock'),
            ('unix:///run/app.sock', '/run/app.sock'),
            ('unix:/run/...', '/run/...'),
            ('unix:/run/a:..', '/run/a:..'),
            ('unix:/run/a%20b', '/run/a b'),
            ('unix:/run/%2523', '/run/%23'),
            ('unix:/run/\u00e9', '/run/\u00e9'),
            (f'unix:/{"x" * 106}', f'/{"x" * 106}'),
            ('tcp://127.0.0.1:7000/', ('127.0.0.1', 7000)),
            ('tcp://[::1]:7000', ('::1', 7000)),
        ):
            self.assertEqual(strait._parse(address, 'listen'), path)

    def test_options_that_a_program_got_wrong(self) -> None:
        for wrong in (
            {'key': ''}, {'key': b''}, {'max_message_size': -1}, {'max_message_size': 1.5},
            {'max_message_size': 1024**3 + 1}, {'handshake_timeout': 0}, {'handshake_timeout': float('nan')},
            {'handshake_timeout': -1}, {'wait': -1}, {'wait': float('inf')},
        ):  # fmt: skip
            with self.subTest(**wrong), self.assertRaises(ValueError):
                strait.connect(self.at('a'), **wrong)
        for backlog in (0, -1, 1.5):
            with self.assertRaises(ValueError):
                strait.listen(self.at('a'), backlog=backlog)
        with self.assertRaises(TypeError):
            strait.connect(self.at('a'), key=7)

    def test_an_error_is_one_line_and_can_be_pickled(self) -> None:
        error = strait.StraitError('RESET', 'receive', 'unix:/x', 'two\nlines')
        self.assertEqual(str(error), 'receive unix:/x: two\\u000alines')
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((again.code, str(again)), ('ERR_STRAIT_RESET', str(error)))


if __name__ == '__main__':
    unittest.main()
