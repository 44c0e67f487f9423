"""The courier without its process: the same ops, with what crosses the pipe made into JSON and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from freehold.market.courier_worker import Courier
from freehold.processes.worker import _argument_types, check_arguments


class InProcess:
    def __init__(self, now: Callable[[], float]) -> None:
        self.ops = Courier(now).ops
        self.is_ended = False

    def call(self, op: str, **args: Any) -> Any:
        check_arguments(op, _argument_types(self.ops[op]), args)
        return json.loads(json.dumps(self.ops[op](**json.loads(json.dumps(args)))))

    def end(self, seconds: float = 2.0) -> None:
        self.is_ended = True
