"""Measure what the issues promise: `python tests/bench/run.py NAME [--quick] [--json]`.

NAME is one of answers (the last part of retrieval, by itself), chat, kill, library, peers, retrieval, security. Prints
one JSON object per figure as soon as it is measured; `--quick` is the same measurement at a smaller size. Compared
speeds run interleaved, in pairs, and the median ratio counts.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from figures import Figure

BENCHES = {
    "answers": "answers_figures",
    "chat": "chat_bench",
    "kill": "kill_bench",
    "library": "library_bench",
    "peers": "peers_bench",
    "retrieval": "retrieval_bench",
    "security": "security_bench",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="a smaller run of the same measurement")
    parser.add_argument("--json", action="store_true", help="one JSON object a line and nothing else on stdout")
    wish = parser.parse_args()
    command = f"python tests/bench/run.py {wish.name}{' --quick' if wish.quick else ''} --json"
    figures: Iterator[Figure] = importlib.import_module(BENCHES[wish.name]).figures(quick=wish.quick)
    for figure in figures:
        print(figure.as_json(command) if wish.json else _in_words(figure), flush=True)
    return 0


def _in_words(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f", {figure.ratio:.3g}x of {figure.baseline:.4g}"
    verdict = {True: "met", False: "NOT met", None: "no goal"}[figure.met]
    goal = "" if figure.goal is None else f" (goal {figure.better} {figure.goal:g}: {verdict})"
    value = "not measured" if figure.value is None else f"{figure.value:.4g} {figure.unit}"
    return f"{figure.figure}: {value}{ratio}{goal} {figure.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
