"""What a Python program does with the same queues, by ctypes; as queue.c does."""
import ctypes
import os
import sys

rt = ctypes.CDLL('librt.so.1', use_errno=True)
rt.mq_receive.restype = ctypes.c_ssize_t
rt.mq_receive.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint)]
rt.mq_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint]


class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ('flags', 'maxmsg', 'msgsize', 'curmsgs')]
    _fields_.append(('reserved', ctypes.c_long * 4))


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def open_queue(name, access):
    attributes = Attributes(maxmsg=4, msgsize=64)
    flags = access | os.O_CREAT
    return checked(rt.mq_open(name.encode(), flags, ctypes.c_uint(0o600), ctypes.byref(attributes)))


buffer = ctypes.create_string_buffer(8192)


def receive(queue):
    priority = ctypes.c_uint()
    length = checked(rt.mq_receive(queue, buffer, len(buffer), ctypes.byref(priority)))
    return buffer.raw[:length], priority.value


def send(queue, message, priority):
    checked(rt.mq_send(queue, message, len(message), priority))


verb, name, *rest = sys.argv[1:]
if verb == 'send':
    queue = open_queue(name, os.O_WRONLY)
    for priority, text in zip(rest[::2], rest[1::2]):
        send(queue, text.encode(), int(priority))
elif verb == 'receive':
    queue = open_queue(name, os.O_RDONLY)
    for _ in range(int(rest[0])):
        message, priority = receive(queue)
        print(priority, message.decode())
else:
    source, target = open_queue(name, os.O_RDONLY), open_queue(rest[0], os.O_WRONLY)
    for _ in range(int(rest[1])):
        message, priority = receive(source)
        send(target, message, priority + 1)
