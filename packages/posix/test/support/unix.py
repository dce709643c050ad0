"""Passes a descriptor each way: unix.py KIND ADDRESS, where @name is abstract; connects, and prints what came."""
import os
import socket
import sys

kind, address = sys.argv[1:]
kinds = {'stream': socket.SOCK_STREAM, 'seqpacket': socket.SOCK_SEQPACKET}
peer = socket.socket(socket.AF_UNIX, kinds[kind])
peer.connect('\0' + address[1:] if address[0] == '@' else address)
reader, writer = os.pipe()
os.write(writer, b'inside')
os.close(writer)
socket.send_fds(peer, [b'from Python'], [reader])
message, descriptors, _, _ = socket.recv_fds(peer, 1 << 16, 4)
print(f'{message.decode()}, {os.read(descriptors[0], 64).decode()}, {len(descriptors)}')
