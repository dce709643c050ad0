"""What a Python program does with the same memory: multiprocessing.shared_memory."""

import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

verb, name, text = sys.argv[1:]
if verb == "create":
    memory = SharedMemory(name, create=True, size=4096)
else:
    memory = SharedMemory(name)
    print(bytes(memory.buf).split(b"\0")[0].decode())
# Until 3.13, which has track=False, the tracker removes at its end whatever was attached.
resource_tracker.unregister(memory._name, "shared_memory")
memory.buf[: len(text) + 1] = text.encode() + b"\0"
memory.close()
