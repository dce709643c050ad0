"""A FIFO as Python opens it: fifo.py make PATH TEXT | read PATH | write PATH TEXT."""
import os
import sys

verb, path, *rest = sys.argv[1:]
if verb == 'make':
    os.mkfifo(path, 0o600)
if verb == 'read':
    with open(path, 'rb') as file:
        sys.stdout.write(file.read().decode())
else:
    with open(path, 'wb') as file:
        file.write(rest[0].encode())
