"""A wire between a client and PostgreSQL that can be cut at any message, before it arrives or before its answer does."""

import socket
import threading
from contextlib import closing, contextmanager, suppress

CHUNK = 1 << 20


class Wire:
    """Carries what is said; `cut_at(n)` cuts the connection that says the n-th message of clients from then on."""

    def __init__(self, server):
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._left, self._arrives = None, False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, number, *, arrives):
        """Cut at that message; with `arrives` the server has done what it says, and only the answer is lost."""
        with self._lock:
            self._left, self._arrives = number, arrives

    @property
    def was_cut(self):
        """Whether it has come to the message since."""
        return self._left is None

    def close(self):
        self._listening.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client, server):
        """Pass on what both say, until one of them ends or the wire is cut."""
        dead = threading.Event()
        answers = threading.Thread(target=_answer, args=(client, server, dead), daemon=True)
        answers.start()
        with client, server, suppress(OSError):
            while said := client.recv(CHUNK):
                if not self._is_last():
                    server.sendall(said)
                    continue
                dead.set()
                if self._arrives:
                    server.sendall(said)
                break
            server.shutdown(socket.SHUT_WR)  # it does what it was told, and then sees that nobody is there
            answers.join()

    def _is_last(self):
        with self._lock:
            if self._left is None:
                return False
            self._left = None if self._left == 1 else self._left - 1
            return self._left is None


def _answer(client, server, dead):
    with suppress(OSError):
        while said := server.recv(CHUNK):
            if not dead.is_set():
                client.sendall(said)
        client.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(url):
    """Give a wire to the server of a URL, and the URL that goes through it."""
    rest, folder = url.split("?host=")
    with closing(Wire(f"{folder}/.s.PGSQL.5432")) as wire:
        yield wire, rest.replace("postgres@/", f"postgres@127.0.0.1:{wire.port}/")
