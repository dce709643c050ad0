"""What a Python program does with System V queues and memory, by ctypes; as sysv.c does."""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.msgrcv.restype = ctypes.c_ssize_t
libc.msgrcv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int]
libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]
IPC_CREAT = 0o1000


class Letter(ctypes.Structure):
    _fields_ = [('type', ctypes.c_long), ('text', ctypes.c_char * 8192)]


letter = Letter()
TEXT = ctypes.addressof(letter) + Letter.text.offset


def checked(result):
    if result in (None, -1, 2**64 - 1):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def key_of(text):
    return ctypes.c_int(int(text, 0)).value


def open_queue(key):
    return checked(libc.msgget(key_of(key), IPC_CREAT | 0o600))


def receive(queue, kind):
    return checked(libc.msgrcv(queue, ctypes.byref(letter), 8192, kind, 0))


def send(queue, length):
    checked(libc.msgsnd(queue, ctypes.byref(letter), length, 0))


verb, key, *rest = sys.argv[1:]
if verb == 'send':
    queue = open_queue(key)
    for kind, text in zip(rest[::2], rest[1::2]):
        letter.type = int(kind)
        ctypes.memmove(TEXT, text.encode(), len(text.encode()))
        send(queue, len(text.encode()))
elif verb == 'receive':
    queue = open_queue(key)
    for _ in range(int(rest[1])):
        length = receive(queue, int(rest[0]))
        print(letter.type, ctypes.string_at(TEXT, length).decode())
elif verb == 'echo':
    source, target = open_queue(key), open_queue(rest[0])
    for _ in range(int(rest[1])):
        length = receive(source, 0)
        letter.type += 1
        send(target, length)
else:
    size = int(rest[0])
    address = checked(libc.shmat(checked(libc.shmget(key_of(key), size, IPC_CREAT | 0o600)), None, 0))
    view = (ctypes.c_ubyte * size).from_address(address)
    print('counts' if all(view[i] == i % 256 for i in range(size)) else 'does not count')
    for i in range(size):
        view[i] = ~view[i] & 255
    checked(libc.shmdt(address))
