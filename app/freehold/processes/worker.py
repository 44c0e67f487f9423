"""The loop inside a child process: read a request, check it, run it, send what it yields."""

from __future__ import annotations

import contextlib
import inspect
import os
import queue
import signal
import sys
import threading
import types
import typing
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any, BinaryIO

from freehold import __version__
from freehold.foundation.errors import BadRequest, FreeholdError
from freehold.foundation.stop import Stop
from freehold.processes.frames import JunkOnPipe, encode, read_frames

Op = Callable[..., Any]

GRACE_SECONDS = 1.5  # how long a running op may finish once the app is gone

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def serve(
    name: str,
    ops: Mapping[str, Op],
    *,
    together: Collection[str] = (),
    leaving: Callable[[], None] = lambda: None,
) -> None:
    """Answer requests until stdin closes. Never returns with work half told: the process leaves afterwards.

    An op is a function with typed keyword arguments; it returns a JSON value, or is a generator whose yields are
    parts and whose return value is the result. One that takes `stop: Stop` decides itself how it ends when that is
    set; any other generator is closed between two parts, and its result is None. Ops run one at a time, in this
    thread; those named in `together` begin at once, each in a thread of its own beside all others. `leaving` runs
    before the process goes, when no op is running.
    """
    answers, questions = take_over_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the app's; it stops us through the pipe
    forbid_core_dumps()
    say_no_messages()
    loop = _Loop(ops, answers, frozenset(together))
    loop.say({"hello": name, "version": __version__, "pid": os.getpid()})
    threading.Thread(target=loop.listen, args=(questions,), daemon=True).start()
    loop.run()
    leaving()
    os._exit(0)  # native libraries' own exit handlers have hung before; everything worth keeping is on disk


def take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for frames, and point the standard ones elsewhere.

    llama.cpp and others print to stdout, which is where our answers travel: their words go to stderr, and a child of
    ours that reads stdin reads nothing.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    questions = os.fdopen(os.dup(0), "rb", buffering=1 << 16)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return answers, questions


def forbid_core_dumps() -> None:
    """A core file would put memory, keys and words included, on disk. POSIX; elsewhere there are none by default."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        # A core_pattern that is a program may ignore the limit above. This it cannot; nor can a debugger of the
        # same user attach, or read our memory through /proc.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def say_no_messages() -> None:
    """A traceback on stderr becomes last words, which are shown: type and place of an error, never its message."""

    def tell(kind: type[BaseException], _: BaseException | None, trace: types.TracebackType | None) -> None:
        sys.stderr.write(f"{kind.__name__} at {_place(trace)}\n")
        sys.stderr.flush()

    sys.excepthook = tell
    sys.unraisablehook = lambda args: tell(args.exc_type, args.exc_value, args.exc_traceback)
    threading.excepthook = lambda args: tell(args.exc_type, args.exc_value, args.exc_traceback)


class _Loop:
    def __init__(self, ops: Mapping[str, Op], answers: BinaryIO, together: frozenset[str] = frozenset()) -> None:
        self._ops, self._answers, self._together = ops, answers, together
        self._types = {name: _argument_types(op) for name, op in ops.items()}
        self._write_lock = threading.Lock()
        self._stops: dict[int, Stop] = {}
        self._turn = threading.Lock()
        self._running: set[int] = set()
        self._beside: set[threading.Thread] = set()
        self._asked: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def listen(self, questions: BinaryIO) -> None:
        """Runs in its own thread, so that a stop is heard while an op is running."""
        try:
            for frame in read_frames(questions):
                self._take(frame)
        except (JunkOnPipe, OSError):
            pass  # whoever writes junk here is not our app any more: leave, as when it is gone
        finally:
            threading.Timer(GRACE_SECONDS, os._exit, (0,)).start()
            for stop in list(self._stops.values()):
                stop.set()
            self._asked.put(None)

    def _take(self, frame: dict[str, Any]) -> None:
        number = frame.get("id")
        if type(number) is not int:
            raise JunkOnPipe("a request without a number")
        if frame.get("stop") is True:
            self._wish(number)
            return
        self._stops[number] = Stop()
        if isinstance(op := frame.get("op"), str) and op in self._together:
            self._start_beside(frame)
        else:
            self._asked.put(frame)

    def _start_beside(self, frame: dict[str, Any]) -> None:
        def answer() -> None:
            self._answer(frame)
            self._beside.discard(threading.current_thread())

        thread = threading.Thread(target=answer, name=str(frame["op"]), daemon=True)
        self._running.add(frame["id"])
        self._beside.add(thread)
        thread.start()

    def _wish(self, number: int) -> None:
        with self._turn:
            stop = self._stops.get(number)
            if stop is not None and number not in self._running:
                del self._stops[number]  # it waits its turn behind another op: it never starts
                self.say({"id": number, "done": None})
                return
        if stop is not None:
            stop.set()

    def run(self) -> None:
        while (frame := self._asked.get()) is not None:
            with self._turn:
                if is_wanted := frame["id"] in self._stops:
                    self._running.add(frame["id"])
            if is_wanted:
                self._answer(frame)
        for thread in tuple(self._beside):  # whoever does not heed its stop is ended with the process
            thread.join()

    def _answer(self, frame: dict[str, Any]) -> None:
        number = frame["id"]
        try:
            result = self._perform(number, frame)
            self.say({"id": number, "done": result})
        except FreeholdError as error:
            self.say({"id": number, "error": error.to_wire()})
        except Exception as error:  # noqa: BLE001 - the worker loop: a bug in one op must not end the others
            self.say({"id": number, "error": _bug(error)})
        finally:
            self._stops.pop(number, None)
            self._running.discard(number)

    def _perform(self, number: int, frame: dict[str, Any]) -> Any:
        op, args = frame.get("op"), frame.get("args")
        if not isinstance(op, str) or op not in self._ops or not isinstance(args, dict):
            raise BadRequest(f"unknown op {str(op)[:80]!r}")
        check_arguments(op, self._types[op], args)
        if "stop" in self._types[op]:
            args = {**args, "stop": self._stops[number]}
        result = self._ops[op](**args)
        if isinstance(result, Generator):
            ends_itself = "stop" in self._types[op]
            return self._drain(number, result, Stop() if ends_itself else self._stops[number])
        return result

    def _drain(self, number: int, parts: Generator[Any, None, Any], stop: Stop) -> Any:
        with contextlib.closing(parts):
            while not stop.is_set():
                try:
                    part = next(parts)
                except StopIteration as end:
                    return end.value
                self.say({"id": number, "part": part})
        return None

    def say(self, frame: dict[str, Any]) -> None:
        line = encode(frame)
        try:
            with self._write_lock:
                view = memoryview(line)
                while view:
                    view = view[self._answers.write(view) :]
        except OSError:
            os._exit(0)  # nobody listens any more


def _bug(error: Exception) -> dict[str, str]:
    """A bug's type and place; its message may quote user words and stays here."""
    fields = FreeholdError(f"{type(error).__name__} at {_place(error.__traceback__)}").to_wire()
    return {**fields, "code": "bug"}


def _place(trace: types.TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit(os.sep, 1)[-1]}:{trace.tb_lineno}" if trace else "?"


def _argument_types(op: Op) -> dict[str, tuple[Any, bool]]:
    """For each keyword of `op`: the type it must have, and whether it must be there."""
    hints = typing.get_type_hints(op)
    parameters = inspect.signature(op).parameters.values()
    return {p.name: (hints[p.name], p.default is p.empty) for p in parameters}


def check_arguments(op: str, wanted: Mapping[str, tuple[Any, bool]], args: Mapping[str, Any]) -> None:
    """Refuse unknown, missing and mistyped fields with BadRequest."""
    unknown = args.keys() - wanted.keys() | ({"stop"} & args.keys())
    if unknown:
        raise BadRequest(f"{op}: unknown field {sorted(unknown)[0][:80]!r}")
    for name, (kind, needed) in wanted.items():
        if name in args:
            if not _fits(args[name], kind):
                raise BadRequest(f"{op}: {name} is not {getattr(kind, '__name__', kind)}")
        elif needed and name != "stop":
            raise BadRequest(f"{op}: {name} is missing")


def _fits(value: Any, kind: Any) -> bool:
    if kind is Any:
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return any(type(value) is type(one) and value == one for one in inside)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inside)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inside[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, inside[1]) for item in value.values())
    if kind is types.NoneType:
        return value is None
    return type(value) is kind
