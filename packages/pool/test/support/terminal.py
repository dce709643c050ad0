"""Runs a program in a terminal of its own: terminal.py PROGRAM [ARGUMENT] ...

What the program prints comes out on the standard output. What comes in on the standard input is typed. The last line tells
how it ended and whether the terminal is as it was before.
"""

import os
import pty
import select
import sys
import termios


def name(status):
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"code {os.WEXITSTATUS(status)}"


begins, began = os.pipe()
child, terminal = pty.fork()
if child == 0:
    settings = termios.tcgetattr(0)
    # Else Ctrl-C also throws away what has been printed and not been read yet; termios(3).
    settings[3] |= termios.NOFLSH
    termios.tcsetattr(0, termios.TCSANOW, settings)
    os.execvp(sys.argv[1], sys.argv[1:])

os.close(began)
os.read(begins, 1)  # It is closed by exec. A program may put back at its end what it has found.
settings = termios.tcgetattr(terminal)
inputs = [terminal, 0]
ended = os.pidfd_open(child)
while True:
    ready, _, _ = select.select([*inputs, ended], [], [])
    if terminal in ready:
        try:
            os.write(1, os.read(terminal, 65536))
        except OSError:  # EIO: nobody has it open any more.
            inputs.remove(terminal)
    elif ended in ready:
        break
    elif 0 in ready:
        typed = os.read(0, 1)
        if typed:
            os.write(terminal, typed)
        else:
            inputs.remove(0)
_, status = os.waitpid(child, 0)
intact = termios.tcgetattr(terminal) == settings
os.write(1, f"ended {name(status)}, terminal {'intact' if intact else 'changed'}\n".encode())
