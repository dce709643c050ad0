"""What a program in Python does with queued signals, by ctypes: its own module drops the value."""
import ctypes
import errno
import signal
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]

if sys.argv[1] == "send":  # pid, 0, signal, n, first: sends n values, first, first + 1, …
    pid, number, count, first = (int(sys.argv[at]) for at in (2, 4, 5, 6))
    sent = 0
    while sent < count:
        if libc.sigqueue(pid, number, first + sent) == 0:
            sent += 1
        elif ctypes.get_errno() == errno.EAGAIN:
            time.sleep(0.0001)
        else:
            sys.exit(2)
else:  # receive: signal, n: says that it is ready, then each value and sender
    number, count = int(sys.argv[2]), int(sys.argv[3])
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    mask = ctypes.create_string_buffer(128)
    libc.sigemptyset(mask)
    libc.sigaddset(mask, number)
    print("ready", flush=True)
    for _ in range(count):
        # siginfo_t: signo, errno, code, padding, pid, uid, value
        info = ctypes.create_string_buffer(128)
        if libc.sigwaitinfo(mask, info) < 0:
            sys.exit(2)
        _, _, _, _, pid, _, value = struct.unpack_from("=iiiiiIQ", info)
        print(f"{value} from {pid}")
