"""Strait for Python: whole messages over `unix:/path` and `tcp://host:port`, with programs in
Node.js or in Python.

The promises are those of docs/contract.md, the bytes those of docs/wire-format.md. One file,
standard library only, Python 3.9 or later, Linux. Durations are in seconds, sizes in bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import ipaddress
import logging
import math
import os
import re
import secrets
import select
import socket
import stat
import struct
import threading
import time
import urllib.parse
import warnings
from collections import deque
from typing import Callable, Iterator, NamedTuple, Optional, Union

__all__ = ['Channel', 'Listener', 'StraitError', 'connect', 'listen']

DEFAULT_MAX_MESSAGE_SIZE = 16 * 1024 * 1024
LARGEST_MAX_MESSAGE_SIZE = 1024 * 1024 * 1024

_VERSION = 1
_PREFACE = struct.Struct('<6sBBII')  # "STRAIT", version, flags, max message, zero
_HEADER = struct.Struct('<B3sI')  # kind, zero, length
_DATA, _END, _PING, _PONG = range(4)
_READ_AHEAD = 64 * 1024
_LINGER = 1.0
_LONGEST_PATH = 107  # what sun_path holds besides its closing zero; unix(7)
_LONGEST_CLAIM = 5.0

_log = logging.getLogger('strait')


class StraitError(Exception):
    """Why an operation failed. Check `code`, such as 'ERR_STRAIT_RESET'; docs/contract.md lists
    the codes. The text may change. A programmer's mistake is a TypeError or ValueError instead.
    """

    def __init__(self, code: str, operation: str, url: str, reason: str) -> None:
        super().__init__(code, operation, url, reason)
        self.code, self.operation, self.url, self.reason = f'ERR_STRAIT_{code}', operation, url, reason

    def __str__(self) -> str:
        text = f'{self.operation} {self.url}: {self.reason}'
        return re.sub('[\0-\x1f\x7f-\x9f]', lambda found: f'\\u{ord(found[0]):04x}', text)


def connect(
    url: str,
    *,
    key: Union[str, bytes, None] = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    handshake_timeout: float = 10.0,
    wait: float = 0.0,
    owner: Optional[int] = None,
) -> Channel:
    """Returns when the other end has greeted.

    `wait`: how long to try again while nobody listens, so that the ends may start in either order.
    `owner`: the user whose Unix socket may be trusted besides one's own and root's.
    Errors: REFUSED nobody is there; AUTH_FAILED wrong key; CORRUPT the other end does not speak
    Strait; NOT_SUPPORTED another version; TIMEOUT; ADDRESS_INVALID; PERMISSION.
    """
    options = _check(key, max_message_size, handshake_timeout)
    address = _parse(url, 'connect')
    last = _deadline(wait, 'wait')
    pause = 0.005
    while True:
        try:
            with _system_errors('connect', url):
                if isinstance(address, str):
                    sock = _connect_unix(address, url, owner, handshake_timeout)
                else:
                    sock = socket.create_connection(address, handshake_timeout)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Channel(sock, 'connect', url, options)
        except StraitError as error:
            if wait == 0 or error.code != 'ERR_STRAIT_REFUSED':
                raise
            if _expired(last):
                reason = f'nobody came to listen within {wait} s'
                raise StraitError('REFUSED', 'connect', url, reason) from error
        # There is no sign that a listener has come, so this asks, ever more slowly.
        time.sleep(min(pause, _left(last)))
        pause = min(2 * pause, 0.1)


def listen(
    url: str,
    *,
    key: Union[str, bytes, None] = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    handshake_timeout: float = 10.0,
    backlog: int = 128,
) -> Listener:
    """Returns when `connect` will succeed. A Unix socket has mode 0600; TCP without a key warns.

    `backlog`: how many channels may be greeting or wait for `accept`; a newcomer then takes the
    place of whoever has been greeting for longest.
    Errors: ADDRESS_IN_USE; ADDRESS_INVALID; PERMISSION; NO_RESOURCES.
    """
    options = _check(key, max_message_size, handshake_timeout)
    if not isinstance(backlog, int) or backlog < 1:
        raise ValueError(f'backlog must be a positive integer, got {backlog}')
    address = _parse(url, 'listen')
    with _system_errors('listen', url):
        if isinstance(address, str):
            sock, release = _claim(address, url)
            return Listener(sock, url, options, backlog, release)
        family, _, _, _, name = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        sock = socket.create_server(name[:2], family=family, backlog=511)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is accepted inherits it
    host = f'[{address[0]}]' if ':' in address[0] else address[0]
    bound = f'tcp://{host}:{sock.getsockname()[1]}'
    if key is None:
        reason = f'{bound} has no key: whoever reaches the port can connect'
        warnings.warn(reason, RuntimeWarning, stacklevel=2)
    return Listener(sock, bound, options, backlog, lambda: None)


class Channel:
    """One end of a conversation: messages there, messages back, each direction in order and
    bounded.

    One thread may send while another receives, and any may close or abort. Iterating gives the
    messages until the clean end. `with` closes, and aborts when that takes longer than 1 s.
    """

    def __init__(self, sock: socket.socket, role: str, url: str, options: _Options) -> None:
        """Greets over a connected socket. `connect` and `listen` are the way to a channel."""
        sock.setblocking(False)
        self.url = url
        self.max_message_size = options.max_message_size
        self._socket = sock
        # `close` must reach a thread that waits in `receive`: it closes the waker.
        self._wake, self._waker = socket.socketpair()
        # Under `_receiving`: what came and was not taken apart, the message that was, how the input ended.
        self._receiving = threading.RLock()
        self._in = bytearray()
        self._ahead: Optional[bytes] = None
        self._hung_up = self._input_over = self._clean = False
        # Under `_sending`: what must leave before anything else, and whether the end was said.
        self._sending = threading.RLock()
        self._out: list[memoryview] = []
        self._end_said = self._broken = False
        # Set by whoever reads or closes, and said by whoever holds `_sending` next.
        self._pong_due = self._end_due = False
        self._closing = False
        self._failure: Optional[StraitError] = None
        try:
            self._greet(role, options)
        except BaseException:
            self._release()
            raise

    def __repr__(self) -> str:
        return f'<strait.Channel {self.url}>'

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(StraitError):
            self.close(_LINGER)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.receive, None)

    @property
    def error(self) -> Optional[StraitError]:
        """Why the channel ended uncleanly, or None."""
        return self._failure

    def send(self, message: bytes) -> None:
        """Returns when the last byte has left this process. Blocks until there is room: that is
        the backpressure.

        Order: as the calls got their turn. Ownership: the buffer is the caller's again. An
        exception of a signal handler that comes before the first byte is out takes the message
        back; after it, keep the buffer as it is.
        Errors: TOO_LARGE before anything leaves; CLOSED after either end closed; the channel's
        failure (RESET, …).
        """
        payload = memoryview(message).cast('B')
        with self._sending:
            if self._receiving.acquire(blocking=False):
                # One message ahead, so that who only sends hears of the end too.
                try:
                    self._advance(0)
                finally:
                    self._receiving.release()
            self._refuse_send()
            if len(payload) > self.max_message_size:
                reason = f'the message has {len(payload)} bytes, the limit is {self.max_message_size}'
                raise StraitError('TOO_LARGE', 'send', self.url, reason)
            self._out += [memoryview(_HEADER.pack(_DATA, b'', len(payload))), payload]
            self._drain(None)
            if self._broken:
                self._refuse_send()
        # What became due while this thread had the turn was left to it.
        while self._due and self._sending.acquire(blocking=False):
            try:
                self._drain(None)
            finally:
                self._sending.release()

    def receive(self, timeout: Optional[float] = None) -> Optional[bytes]:
        """The next message, or None for ever: the clean end.

        Errors: TIMEOUT nothing came for so long, and nothing is lost; the channel's failure, after
        everything that had arrived whole was handed out.
        """
        deadline = _deadline(timeout)
        with self._hold(self._receiving, deadline, 'receive'):
            if not self._closing:
                self._advance(deadline, giving_way=True)
            if self._closing:
                return None
            message, self._ahead = self._ahead, None
            if message is not None or self._clean:
                return message
            if self._input_over and self._failure is not None:
                raise self._failure.with_traceback(None)
        raise StraitError('TIMEOUT', 'receive', self.url, f'no message came within {timeout} s')

    def close(self, timeout: Optional[float] = None) -> None:
        """Says the end, drops what is unread, waits for the peer's end, releases. Idempotent. A
        thread that waits in `receive` gets None. What went wrong stands in `error`.

        Errors: only TIMEOUT, and the channel is then aborted.
        """
        deadline = _deadline(timeout)
        if not self._input_over:
            self._closing = self._end_due = True
        self._waker.close()
        try:
            with self._hold(self._receiving, deadline, 'close'):
                if self._closing:
                    self._ahead = None
                over = self._advance(deadline)
                with self._hold(self._sending, deadline, 'close'):
                    if over and self._drain(deadline):
                        return self._release()
            raise StraitError('TIMEOUT', 'close', self.url, f'the peer did not close within {timeout} s')
        except StraitError:
            self.abort()
            raise

    def abort(self) -> None:
        """Ends at once: unsent and unread messages are dropped, whoever waits fails with ABORTED.
        Idempotent.
        """
        if not self._input_over:
            self._failure = self._failure or StraitError('ABORTED', 'channel', self.url, 'aborted')
            self._closing = False
            self._hang_up()
        with self._receiving, self._sending:
            if not self._input_over:
                self._ahead = None
            self._release()

    # Incoming; whoever calls holds `_receiving`.

    def _advance(self, deadline: Optional[float], giving_way: bool = False) -> bool:
        """Reads until there is a message or nothing more comes, and says meanwhile what is due.
        False: not in time.

        `giving_way`: returns when another thread closes.
        """
        first = True
        while True:
            while self._ahead is None and not self._input_over and self._take_frame():
                pass
            no_room = False
            if (self._due or self._out) and self._sending.acquire(blocking=False):
                try:
                    no_room = not self._push()
                finally:
                    self._sending.release()
            reading = self._ahead is None and not self._input_over
            if (giving_way and self._closing) or not (reading or (no_room and self._ahead is None)):
                return True
            if not first and _expired(deadline):
                return False
            first = False
            if not (reading and self._read()):
                if _expired(deadline):
                    return False
                events = (select.POLLIN if reading else 0) | (select.POLLOUT if no_room else 0)
                self._poll(events, deadline, giving_way)

    def _read(self) -> bool:
        """Takes what has come, the hang-up included. False: nothing now."""
        try:
            chunk = self._socket.recv(_READ_AHEAD)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b''  # the kernel reports a reset behind everything that had arrived
        self._in += chunk
        self._hung_up = not chunk
        return True

    def _take_frame(self) -> bool:
        """Takes the next frame, or the end, out of what has come. False: it is not whole."""
        if len(self._in) < _HEADER.size:
            return self._hung_up and self._stop_truncated()
        kind, zero, length = _HEADER.unpack_from(self._in)
        if any(zero):
            return self._stop('CORRUPT', 'the peer sent a header that is none')
        if kind != _DATA and (kind > _PONG or length > 0):
            return self._stop('CORRUPT', f'the peer sent a frame of kind {kind} with {length} bytes')
        if length > self.max_message_size:
            reason = f'the peer announced a message of {length} bytes, the limit is {self.max_message_size}'
            return self._stop('TOO_LARGE', reason)
        end = _HEADER.size + length
        if len(self._in) < end:
            return self._hung_up and self._stop_truncated()
        if kind == _DATA and not self._closing:
            with memoryview(self._in) as view:
                self._ahead = bytes(view[_HEADER.size:end])
        elif kind == _PING:
            self._pong_due = True
        elif kind == _END:
            # Only sends suffered from an earlier failure: the peer has said everything, and its end.
            self._failure = None
            self._clean = self._input_over = self._end_due = True
        del self._in[:end]
        return True

    def _stop_truncated(self) -> bool:
        if self._in:
            return self._stop('TRUNCATED', 'the peer went away in the middle of a message')
        return self._stop('RESET', 'the peer went away without closing')

    def _stop(self, code: str, reason: str) -> bool:
        """Nothing more comes, and not by the peer's word: this ends the channel."""
        self._failure = self._failure or StraitError(code, 'receive', self.url, reason)
        self._input_over = True
        self._hang_up()
        return True

    # Outgoing; whoever calls holds `_sending`.

    @property
    def _due(self) -> bool:
        return (self._pong_due or self._end_due) and not self._end_said

    def _refuse_send(self) -> None:
        """Raises why nothing can be sent any more."""
        if self._closing or self._clean:
            who = 'this end' if self._closing else 'the peer'
            raise StraitError('CLOSED', 'send', self.url, f'{who} has closed the channel')
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _push(self) -> bool:
        """Hands over what is gathered and due. False: there is no room now."""
        for due, kind in ((self._pong_due, _PONG), (self._end_due, _END)):
            if due and not self._end_said:
                self._out.append(memoryview(_HEADER.pack(kind, b'', 0)))
                self._pong_due, self._end_said = False, kind == _END
        while self._out:
            try:
                sent = self._socket.sendmsg(self._out)
            except BlockingIOError:
                return False
            except OSError:
                # What has arrived can still be received.
                reset = StraitError('RESET', 'send', self.url, 'the peer went away without closing')
                self._failure = self._failure or reset
                self._broken = self._end_said = True
                self._out.clear()
                break
            while self._out and sent >= len(self._out[0]):
                sent -= len(self._out.pop(0))
            if sent > 0:
                self._out[0] = self._out[0][sent:]
        return True

    def _drain(self, deadline: Optional[float]) -> bool:
        """The same, and waits for room. False: not in time."""
        while not self._push():
            if _expired(deadline):
                return False
            self._poll(select.POLLOUT, deadline)
        return True

    # Both

    def _poll(self, events: int, deadline: Optional[float], wakeable: bool = False) -> None:
        poll = select.poll()
        poll.register(self._socket, events)
        if wakeable:
            poll.register(self._wake, select.POLLIN)
        poll.poll(None if deadline is None else math.ceil(_left(deadline) * 1000))

    @contextlib.contextmanager
    def _hold(self, lock: threading.RLock, deadline: Optional[float], operation: str) -> Iterator[None]:
        if not lock.acquire(timeout=-1 if deadline is None else _left(deadline)):
            raise StraitError('TIMEOUT', operation, self.url, 'another thread did not let go in time')
        try:
            yield
        finally:
            lock.release()

    def _hang_up(self) -> None:
        """Wakes whoever waits, here and at the other end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        self._input_over = self._end_said = self._broken = True
        self._out.clear()
        for sock in (self._socket, self._wake, self._waker):
            sock.close()

    def _greet(self, role: str, options: _Options) -> None:
        """Greets the other end, agrees on the limit and, with a key, proves to each other that
        both know it.
        """
        deadline = _deadline(options.handshake_timeout)
        key = options.key

        def fail(code: str, reason: str) -> StraitError:
            return StraitError(code, role, self.url, reason)

        def say(words: bytes) -> None:
            self._out.append(memoryview(words))
            self._push()

        def hear(count: int, hung_up: StraitError) -> bytes:
            while len(self._in) < count:
                if self._hung_up:
                    cut = fail('TRUNCATED', 'the other end hung up in the middle of its greeting')
                    raise cut if self._in else hung_up
                if not self._read():
                    if _expired(deadline):
                        late = f'the other end did not greet within {options.handshake_timeout} s'
                        raise fail('TIMEOUT', late)
                    self._poll(select.POLLIN, deadline)
            heard = bytes(self._in[:count])
            del self._in[:count]
            return heard

        mine = _PREFACE.pack(b'STRAIT', _VERSION, key is not None, options.max_message_size, 0)
        mine += b'' if key is None else secrets.token_bytes(32)
        say(mine)
        theirs = hear(_PREFACE.size, fail('REFUSED', 'the other end hung up without a greeting'))
        magic, version, flags, size, zero = _PREFACE.unpack(theirs)
        if magic != b'STRAIT':
            raise fail('CORRUPT', 'the other end does not speak Strait')
        if version != _VERSION:
            reason = f'the other end speaks version {version} of the wire format, this end {_VERSION}'
            raise fail('NOT_SUPPORTED', reason)
        if flags > 1 or zero != 0:
            raise fail('CORRUPT', 'the greeting has bits that its version does not know')
        if (flags == 1) != (key is not None):
            asks = 'has no key' if flags == 0 else 'asks for a key'
            raise fail('AUTH_FAILED', f'the other end {asks}')
        self.max_message_size = min(size, options.max_message_size)
        if key is None:
            return
        theirs += hear(32, fail('TRUNCATED', 'the other end hung up in the middle of its greeting'))
        transcript = mine + theirs if role == 'connect' else theirs + mine

        def proof(prover: str) -> bytes:
            return hmac.new(key, f'strait 1 {prover}'.encode() + transcript, hashlib.sha256).digest()

        # Who connects proves first, so that a listener tells strangers nothing.
        if role == 'connect':
            say(proof('connect'))
        peer = 'listen' if role == 'connect' else 'connect'
        heard = hear(32, fail('AUTH_FAILED', 'the other end did not accept the key'))
        if not hmac.compare_digest(heard, proof(peer)):
            raise fail('AUTH_FAILED', 'the other end has another key')
        if role == 'listen':
            say(proof('listen'))


class Listener:
    """Waits for channels and greets them in threads of its own, so that a stranger who says
    nothing keeps nobody waiting. Who is turned away is logged at level INFO by the logger
    'strait'. Iterating gives the channels until it is closed; `with` closes it.
    """

    def __init__(
        self, sock: socket.socket, url: str, options: _Options, backlog: int, release: Callable[[], None]
    ) -> None:
        self.url = url
        self._socket, self._options, self._backlog, self._release = sock, options, backlog, release
        self._changed = threading.Condition()
        self._greeting: dict[socket.socket, None] = {}  # in the order in which they came
        self._ready: deque[Channel] = deque()
        self._error: Optional[StraitError] = None
        self._closed = False
        sock.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name=f'strait {url}', daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f'<strait.Listener {self.url}>'

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Channel]:
        return iter(self.accept, None)

    def accept(self, timeout: Optional[float] = None) -> Optional[Channel]:
        """The next channel, or None: the listener is closed.

        Errors: TIMEOUT; NO_RESOURCES this process has too many files open, and the next call tries
        again.
        """
        _deadline(timeout)
        with self._changed:
            self._error = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ready or self._error or self._closed, timeout)
            if self._ready:
                return self._ready.popleft()
            if self._closed:
                return None
            error = self._error
        raise error or StraitError('TIMEOUT', 'accept', self.url, f'nobody connected within {timeout} s')

    def close(self) -> None:
        """Stops listening, gives the name back, aborts what nobody accepted. Accepted channels
        live on. Idempotent.
        """
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            for sock in self._greeting:
                _shut(sock)
        self._release()
        _shut(self._socket)
        self._thread.join()
        self._socket.close()
        for channel in self._ready:
            channel.abort()
        self._ready.clear()

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while not self._closed:
            poll.poll()  # an accept that waits keeps a descriptor for itself
            try:
                sock, _ = self._socket.accept()
                self._admit(sock)
            except OSError as error:
                if not self._closed and error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                    self._report(error)
                    with self._changed:
                        self._changed.wait_for(lambda: self._error is None or self._closed)

    def _report(self, error: OSError) -> None:
        """Tells whoever accepts now; who accepts later tries again."""
        with self._changed:
            self._error = _system_error(error, 'accept', self.url)
            self._changed.notify_all()

    def _admit(self, sock: socket.socket) -> None:
        with self._changed:
            self._greeting[sock] = None
            if len(self._greeting) + len(self._ready) > self._backlog:
                oldest = next(iter(self._greeting))
                del self._greeting[oldest]
                _shut(oldest)
        threading.Thread(target=self._greet, args=(sock,), daemon=True).start()

    def _greet(self, sock: socket.socket) -> None:
        channel = None
        try:
            channel = Channel(sock, 'listen', self.url, self._options)
        except StraitError as error:
            _log.info('%s', error)
        except OSError as error:
            sock.close()
            self._report(error)
        with self._changed:
            self._greeting.pop(sock, None)
            if channel is not None and not self._closed:
                self._ready.append(channel)
                self._changed.notify()
                return
        if channel is not None:
            channel.abort()


# Options, time, addresses


class _Options(NamedTuple):
    key: Optional[bytes]
    max_message_size: int
    handshake_timeout: float

    __repr__ = object.__repr__  # never the key


def _check(key: Union[str, bytes, None], max_message_size: int, handshake_timeout: float) -> _Options:
    """Refuses options that a program, not a peer, got wrong."""
    if isinstance(key, str):
        key = key.encode()
    if key is not None and len(memoryview(key)) == 0:
        raise ValueError('a key must not be empty')
    if not isinstance(max_message_size, int) or not 0 <= max_message_size <= LARGEST_MAX_MESSAGE_SIZE:
        limits = f'0 to {LARGEST_MAX_MESSAGE_SIZE} bytes'
        raise ValueError(f'max_message_size must be {limits}, got {max_message_size}')
    _deadline(handshake_timeout, 'handshake_timeout')
    if handshake_timeout == 0:
        raise ValueError('handshake_timeout must not be 0')
    return _Options(None if key is None else bytes(key), max_message_size, handshake_timeout)


def _deadline(timeout: Optional[float], name: str = 'timeout') -> Optional[float]:
    if timeout is None:
        return None
    if not 0 <= timeout * 1000 <= 0x7FFFFFFF:
        raise ValueError(f'{name} must be 0 s or more, and less than 24 days, got {timeout}')
    return time.monotonic() + timeout


def _left(deadline: Optional[float]) -> float:
    return math.inf if deadline is None else max(0.0, deadline - time.monotonic())


def _expired(deadline: Optional[float]) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _parse(url: str, operation: str) -> Union[str, tuple[str, int]]:
    """The path of `unix:`, or host and port of `tcp:`. Refuses rather than repairs, as
    core/src/address.ts does.
    """

    def fail(reason: str, code: str = 'ADDRESS_INVALID') -> StraitError:
        return StraitError(code, operation, url, reason)

    if re.search('[\0-\x20\x7f\\\\]', url):
        raise fail('blanks, control characters and backslashes must be percent-encoded')
    if not re.match('[a-z][a-z0-9+.-]*:', url):
        raise fail('an address begins with a scheme in small letters, such as unix:')
    if '#' in url:
        raise fail('an address has no fragment; write # as %23')
    if re.search('[\ud800-\udfff]', url):
        raise fail('half a surrogate pair is no character')
    scheme, _, rest = url.partition(':')
    rest, _, query = rest.partition('?')
    if _has_dot_segment(re.sub('%2e', '.', rest, flags=re.IGNORECASE)):
        raise fail('dot segments are refused; write the path in full')
    if re.match('//[^/]*@', rest):
        raise fail('a user does not belong into an address; write @ in a path as %40')
    if scheme not in ('unix', 'tcp'):
        raise fail(f"there is no transport '{scheme}:' here; there are unix: tcp:")
    if query:
        raise fail(f"unknown parameter '{re.split('[=&]', query)[0]}'")
    host, slash, path = rest[2:].partition('/') if rest.startswith('//') else ('', '', rest)
    path = slash + path

    if scheme == 'tcp':
        found = re.fullmatch(r'(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{0,5}))?', host)
        if not found:
            raise fail('write tcp://host:port')
        name, port = found[1].strip('[]'), found[2]
        if not port:
            raise fail('the port is missing, as in tcp://127.0.0.1:7000')
        if path not in ('', '/'):
            raise fail('an address of TCP has no path')
        if int(port) > 65535:
            raise fail('a port is at most 65535')
        if int(port) == 0 and operation == 'connect':
            raise fail('nobody listens on port 0')
        if host.startswith('['):
            try:
                ipaddress.IPv6Address(name)
            except ValueError:
                raise fail('not an IPv6 address') from None
        return name, int(port)

    if host:
        raise fail(f"'{host}' is a host; write unix:/{host}{path}")
    if re.search('%(?![0-9A-Fa-f]{2})', path):
        raise fail('malformed percent-encoding')
    try:
        path = urllib.parse.unquote(path, errors='strict')
    except UnicodeDecodeError:
        raise fail('malformed percent-encoding') from None
    if '\0' in path:
        raise fail('a path has no zero byte')
    if _has_dot_segment(path):
        raise fail('dot segments are refused; write the path in full')
    if path.startswith('@'):
        raise fail('abstract names are not supported', 'NOT_SUPPORTED')
    if not path.startswith('/'):
        raise fail('write an absolute path, as in unix:/run/app.sock')
    if path.endswith('/'):
        raise fail('the path ends in a slash; it must name a file')
    size = len(path.encode())
    if size > _LONGEST_PATH:
        raise fail(f"the path has {size} bytes, a socket's path at most {_LONGEST_PATH}")
    return path


def _has_dot_segment(path: str) -> bool:
    return any(segment in ('.', '..') for segment in path.split('/'))


# Sockets in the file system


def _connect_unix(path: str, url: str, owner: Optional[int], timeout: float) -> socket.socket:
    """Connects without following a symbolic link at the end, and only to whom it may trust."""

    def fail(code: str, reason: str) -> StraitError:
        return StraitError(code, 'connect', url, reason)

    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        there = os.fstat(descriptor)
        if stat.S_ISLNK(there.st_mode):
            raise fail('PERMISSION', 'a symbolic link stands there')
        if not stat.S_ISSOCK(there.st_mode):
            raise fail('ADDRESS_INVALID', 'what stands there is not a socket')
        if there.st_uid not in (os.geteuid(), 0, owner):
            reason = f'the socket belongs to user {there.st_uid}; name that user as `owner` to trust it'
            raise fail('PERMISSION', reason)
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(timeout)
            sock.connect(f'/proc/self/fd/{descriptor}')
        except BaseException:
            sock.close()
            raise
        return sock
    finally:
        os.close(descriptor)


def _claim(path: str, url: str) -> tuple[socket.socket, Callable[[], None]]:
    """Listens at the path, taking it from a dead listener if need be, and says how to give it
    back.

    The lock is the one under which listeners in Node.js remove dead sockets, so none of them finds
    ours between `bind` and `listen`, when it looks dead.
    """
    with _claim_lock(path, url):
        sock = socket.socket(socket.AF_UNIX)
        try:
            os.fchmod(sock.fileno(), 0o600)  # bind(2) gives the file the mode of the socket
            while True:
                try:
                    sock.bind(path)
                    break
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                _remove_dead(path, url)
            sock.listen(511)
        except BaseException:
            sock.close()
            raise
        ours = os.lstat(path)

    def release() -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(ours, os.lstat(path)):
                os.unlink(path)

    return sock, release


def _remove_dead(path: str, url: str) -> None:
    """Removes a dead socket of this user from the path, or raises why not."""

    def fail(code: str, reason: str) -> StraitError:
        return StraitError(code, 'listen', url, reason)

    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(there.st_mode):
        raise fail('PERMISSION', 'a symbolic link stands there')
    if not stat.S_ISSOCK(there.st_mode):
        raise fail('ADDRESS_IN_USE', 'something that is not a socket stands there')
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) != errno.ECONNREFUSED:
            raise fail('ADDRESS_IN_USE', 'somebody listens here already')
    if there.st_uid != os.geteuid():
        raise fail('PERMISSION', f'a socket of user {there.st_uid} stands there')
    if os.path.samestat(there, os.lstat(path)):
        os.unlink(path)


@contextlib.contextmanager
def _claim_lock(path: str, url: str) -> Iterator[None]:
    """Holds a lock that the kernel releases when the process ends, whichever way: an abstract
    socket, with the name that core/src/node/claim.ts gives it.
    """
    directory = os.stat(os.path.dirname(path))
    words = f'{directory.st_dev}:{directory.st_ino}:{os.path.basename(path)}'
    name = '\0' + f'strait/claim/{hashlib.sha256(words.encode()).hexdigest()}/'.ljust(_LONGEST_PATH, '-')
    while True:
        with socket.socket(socket.AF_UNIX) as lock:
            try:
                lock.bind(name)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                lock.listen(511)
                yield
                return
        # Somebody holds it: our connection to it ends when it lets go or dies.
        with socket.socket(socket.AF_UNIX) as waiting:
            waiting.settimeout(_LONGEST_CLAIM)
            try:
                waiting.connect(name)
                waiting.recv(1)
            except socket.timeout:
                reason = 'another process keeps the claim of this path'
                raise StraitError('PERMISSION', 'listen', url, reason) from None
            except OSError:
                pass


def _shut(sock: socket.socket) -> None:
    """Wakes whoever waits at this socket."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


# Errors of the system

_NOBODY = ('REFUSED', 'nobody is listening')
_MEANINGS = {
    errno.EADDRINUSE: ('ADDRESS_IN_USE', 'somebody listens here already'),
    errno.ECONNREFUSED: _NOBODY,
    errno.ENOENT: _NOBODY,
    errno.EAGAIN: ('REFUSED', 'the backlog of the listener is full'),
    errno.EHOSTUNREACH: ('REFUSED', 'the host cannot be reached'),
    errno.ENETUNREACH: ('REFUSED', 'the network cannot be reached'),
    errno.ETIMEDOUT: ('REFUSED', 'the host does not answer'),
    errno.EADDRNOTAVAIL: ('ADDRESS_INVALID', 'no such address on this machine'),
    errno.ENOTDIR: ('ADDRESS_INVALID', 'a part of the path is not a directory'),
    errno.ENAMETOOLONG: ('ADDRESS_INVALID', 'the path is too long'),
    errno.ELOOP: ('PERMISSION', 'the path leads through a symbolic link'),
    errno.EACCES: ('PERMISSION', 'the file mode or the address forbids it'),
    errno.EPERM: ('PERMISSION', 'the system forbids it'),
    errno.EROFS: ('PERMISSION', 'the file system is read-only'),
    errno.EMFILE: ('NO_RESOURCES', 'this process has too many files open; `ulimit -n` shows the limit'),
    errno.ENFILE: ('NO_RESOURCES', 'the system has too many files open; `sysctl fs.file-max` shows it'),
    errno.ENOSPC: ('NO_RESOURCES', 'no space is left on the file system; `df` shows it'),
    errno.ENOMEM: ('NO_RESOURCES', 'no memory is left; `free` shows it'),
    errno.ECONNRESET: ('RESET', 'the peer went away without closing'),
    errno.EPIPE: ('RESET', 'the peer went away without closing'),
}


def _system_error(error: OSError, operation: str, url: str) -> StraitError:
    """A system call's error: its meaning first, its name behind."""
    if isinstance(error, socket.gaierror):
        return StraitError('REFUSED', operation, url, f'the host has no address ({error.strerror})')
    if error.errno is None and isinstance(error, socket.timeout):
        return StraitError('TIMEOUT', operation, url, 'the other end did not answer in time')
    if error.errno == errno.ENOENT and operation == 'listen':
        return StraitError('ADDRESS_INVALID', operation, url, 'the directory does not exist')
    code, meaning = _MEANINGS.get(error.errno, ('SYSTEM', error.strerror or str(error)))
    return StraitError(code, operation, url, f'{meaning} ({errno.errorcode.get(error.errno, "?")})')


@contextlib.contextmanager
def _system_errors(operation: str, url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _system_error(error, operation, url) from error
