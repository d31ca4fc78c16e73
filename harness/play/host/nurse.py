"""The nursery's own side: waits for orders, forks a warden for each host.

It holds Python, numpy and `optimizers`, so that a host costs a fork and no imports. It
has one thread, since forking more is not safe, and ends when the visit's process does.
"""

import os
import signal
import socket
import sys
from importlib import import_module
from typing import Final

from harness.play.host.nursery import FORKED, LAW, OURS
from harness.play.host.warden import stand_by
from optimizers.registry import strategies

_N_ENDS: Final = 2


def main() -> None:
    """Fork hosts for whoever holds the other end of the socket; then end."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # wardens need no leave-taking
    while True:
        order, ends, _, _ = socket.recv_fds(orders, 1, _N_ENDS)
        if not order:
            os._exit(0)
        if order == OURS:
            strategies()
        elif order == LAW:
            import_module("harness.play.host.law_guest")  # it brings numba
        line, word = (socket.socket(fileno=end) for end in ends)
        if os.fork() == 0:
            orders.close()
            stand_by(line, word)
        line.close()
        word.close()
        orders.sendall(FORKED)
