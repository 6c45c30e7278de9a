"""The run's control socket: the lab's protocol, JSON lines on ``RUN/control.sock``.

The socket has mode 0600 before it has its name, so that nobody but its owner ever reaches it. A client is greeted; it may
send commands, and ``watch`` to be told events. One that reads too slowly loses streamed text first, then its connection.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SOCKET_FILE = "control.sock"
PROGRAM = "aha-lab"
MOST_CLIENTS = 8
#: Lines queued for a client, and the number from which streamed text is left out.
WAITING = 8192
CROWDED = WAITING // 2
LONGEST_LINE = 256 << 10
#: How long a client may take to read a line, seconds.
PATIENCE = 5
#: The longest path that every system takes for a socket, bytes.
LONGEST_PATH = 103

Command = Callable[[Mapping[str, Any]], "tuple[bool, str]"]


class _Client:
    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.lines: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self.watches = False
        self.writer = threading.Thread(target=self._write, name="aha-lab-writer", daemon=True)

    def _write(self) -> None:
        try:
            while (line := self.lines.get()) is not None:
                self.stream.sendall(line)
        except OSError:
            pass
        self.close()

    def say(self, line: bytes) -> bool:
        try:
            self.lines.put_nowait(line)
        except queue.Full:
            self.close()
            return False
        return True

    def close(self) -> None:
        try:
            self.stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _line(what: str, content: Any) -> bytes:
    text = json.dumps({what: content}, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


class ControlSocket:
    """Serves a run's socket until it is closed. Raises ``OSError`` if the system cannot make it."""

    def __init__(self, run: Path, command: Command) -> None:
        self._command = command
        self._path = run / SOCKET_FILE
        self._lock = threading.Lock()
        self._clients: list[_Client] = []
        self._state: dict[str, Mapping[str, Any]] = {}
        self._streamed: dict[tuple[int, int], tuple[Mapping[str, Any], list[str]]] = {}
        self._streamed_step = -1
        self._listener = _bind(run, self._path)
        self._inode = os.stat(self._path, follow_symlinks=False).st_ino
        self._closing = False
        #: Whether anybody watches; reading it costs nothing.
        self.watched = False
        threading.Thread(target=self._accept, name="aha-lab-control", daemon=True).start()

    def tell(self, event: Mapping[str, Any]) -> None:
        """Sends an event to all who watch."""
        with self._lock:
            self._remember(event)
            watchers = [client for client in self._clients if client.watches]
            if not watchers:
                return
            line = _line("told", event)
            for client in watchers:
                if "token" in event and client.lines.qsize() > CROWDED:
                    continue
                client.say(line)

    def _remember(self, event: Mapping[str, Any]) -> None:
        """Keeps what a client must know that begins to watch in the middle of a step."""
        for kind in ("phase", "temporality"):
            if kind in event:
                self._state[kind] = event
        if "completion" in event:
            begun = event["completion"]
            if begun["step"] != self._streamed_step:
                self._streamed, self._streamed_step = {}, begun["step"]
            self._streamed[(begun["group"], begun["index"])] = (event, [])
        elif "token" in event:
            piece = event["token"]
            place = (piece["group"], piece["index"])
            if place in self._streamed and piece["step"] == self._streamed_step:
                self._streamed[place][1].append(piece["text"])

    def _known(self) -> list[Mapping[str, Any]]:
        told: list[Mapping[str, Any]] = []
        for (group, index), (event, pieces) in self._streamed.items():
            told.append(event)
            if pieces:
                token = {"step": self._streamed_step, "group": group, "index": index, "text": "".join(pieces)}
                told.append({"token": token})
        return told + [self._state[kind] for kind in ("phase", "temporality") if kind in self._state]

    def close(self) -> None:
        """Removes the socket, and lets the clients read what they were told."""
        self._closing = True
        try:
            if os.stat(self._path, follow_symlinks=False).st_ino == self._inode:
                self._path.unlink()
        except OSError:
            pass
        # Wakes the thread that accepts.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            try:
                client.lines.put_nowait(None)
            except queue.Full:
                client.close()
        for client in clients:
            client.writer.join(timeout=1.0)

    def _accept(self) -> None:
        while not self._closing:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                full = len(self._clients) >= MOST_CLIENTS
            if full:
                stream.close()
                continue
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", PATIENCE, 0))
            client = _Client(stream)
            with self._lock:
                self._clients.append(client)
            client.say(_line("hello", {"program": PROGRAM, "process": os.getpid()}))
            client.writer.start()
            threading.Thread(target=self._read, args=(client,), name="aha-lab-client", daemon=True).start()

    def _read(self, client: _Client) -> None:
        try:
            with client.stream.makefile("rb") as reader:
                while line := reader.readline(LONGEST_LINE):
                    if not line.endswith(b"\n"):
                        client.say(
                            _line("refused", f"A line must have at most {LONGEST_LINE} bytes and end with a newline.")
                        )
                        break
                    self._answer(client, line)
        except OSError:
            pass
        with self._lock:
            self._clients.remove(client)
            self.watched = any(other.watches for other in self._clients)
        try:
            client.lines.put_nowait(None)
        except queue.Full:
            client.close()
        client.writer.join(timeout=PATIENCE)
        client.close()
        client.stream.close()

    def _answer(self, client: _Client, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            client.say(_line("refused", 'This is not a command; write one such as {"command":"pause"}.'))
            return
        if request.get("command") != "watch":
            accepted, sentence = self._command(request)
            client.say(_line("done" if accepted else "refused", sentence))
            return
        with self._lock:
            if client.watches:
                client.say(_line("refused", "You are already subscribed."))
                return
            for event in self._known():
                client.say(_line("told", event))
            client.watches = self.watched = True


def _bind(run: Path, path: Path) -> socket.socket:
    """Binds under a private name, where nobody else can reach it, and renames it into place with its mode set."""
    private = run / f".control-{os.getpid()}"
    shutil.rmtree(private, ignore_errors=True)
    private.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(private, os.O_RDONLY)
    try:
        made = str(private / SOCKET_FILE)
        if len(os.fsencode(made)) > LONGEST_PATH:
            # A longer path is reached through the open folder, where the system shows open files as paths.
            made = f"/proc/self/fd/{folder}/{SOCKET_FILE}"
        listener.bind(made)
        os.chmod(private / SOCKET_FILE, 0o600)
        listener.listen(MOST_CLIENTS)
        os.rename(private / SOCKET_FILE, path)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(folder)
        shutil.rmtree(private, ignore_errors=True)
    return listener
