"""What a Python program does with the same semaphores, by ctypes; as semaphore.c does."""
import ctypes
import errno
import mmap
import os
import signal
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
libc.sem_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_uint]
for name in ('sem_wait', 'sem_post'):
    getattr(libc, name).argtypes = [ctypes.c_void_p]
libc.sem_init.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]
libc.sem_getvalue.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]

IPC_CREAT, IPC_EXCL, SEM_UNDO, GETVAL = 0o1000, 0o2000, 0x1000, 12


def checked(result):
    if result in (None, -1):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class Step(ctypes.Structure):
    _fields_ = [('index', ctypes.c_ushort), ('by', ctypes.c_short), ('flags', ctypes.c_short)]


class Posix:
    def __init__(self, where, initial):
        if where.startswith('/'):
            self.at = checked(libc.sem_open(where.encode(), os.O_CREAT, 0o600, initial))
            return
        self.memory = mmap.mmap(3, 4096)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.at = base + int(where.removeprefix('memory:'))
        if initial > 0:
            checked(libc.sem_init(self.at, 1, initial))

    def change(self, by, flags=0):
        checked(libc.sem_wait(self.at) if by < 0 else libc.sem_post(self.at))

    def value(self):
        value = ctypes.c_int()
        checked(libc.sem_getvalue(self.at, ctypes.byref(value)))
        return value.value


class SystemV:
    def __init__(self, key, initial):
        self.set = libc.semget(key, 1, IPC_CREAT | IPC_EXCL | 0o600)
        if self.set >= 0:
            self.change(initial)
        elif ctypes.get_errno() == errno.EEXIST:
            self.set = checked(libc.semget(key, 1, 0))
        else:
            checked(-1)

    def change(self, by, flags=0):
        checked(libc.semop(self.set, ctypes.byref(Step(0, by, flags)), 1))

    def value(self):
        return checked(libc.semctl(self.set, 0, GETVAL))


def find(where, initial=0):
    return Posix(where, initial) if where.startswith(('/', 'memory:')) else SystemV(int(where), initial)


verb, where, *rest = sys.argv[1:]
number = int(rest[-1]) if rest else 0
semaphore = find(where, number if verb == 'make' else 0)
if verb == 'take':
    for _ in range(number):
        semaphore.change(-1)
    print('taken')
elif verb == 'hold':
    semaphore.change(-1, SEM_UNDO)
    print('taken', flush=True)
    signal.pause()
elif verb == 'give':
    for _ in range(number):
        semaphore.change(1)
elif verb == 'value':
    print(semaphore.value())
elif verb == 'relay':
    second = find(rest[0])
    for _ in range(number):
        semaphore.change(-1)
        second.change(1)
