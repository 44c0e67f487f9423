"""A seccomp filter: system calls this process will never make again. Written as the kernel's BPF, x86-64 and aarch64.

https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
from typing import Literal, NamedTuple

Sockets = Literal["none", "local", "inbound", "internet"]
"""Which sockets a process may open. local: named ones of this machine (Unix), as a session's bus has. inbound: as
internet, but (by Landlock) to take connections and not to make them.
"""

# number on x86-64, number on aarch64 (asm/unistd_64.h, asm-generic/unistd.h)
_REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
_SOCKET = (41, 198)
_PROGRAMS = {"execve": (59, 221), "execveat": (322, 281)}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
# The first argument of socket. AF_NETLINK asks the kernel for this machine's own addresses, as resolving a name does.
_FAMILIES: dict[Sockets, tuple[int, ...]] = {"none": (), "local": (1,), "inbound": (2, 10, 16), "internet": (2, 10, 16)}
_NEW_NAMESPACES = 0x7E02_0000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET

_ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}  # column above, AUDIT_ARCH of linux/audit.h
_X32 = 0x4000_0000  # system calls of x86-64's third interface, which would slip past the numbers above

_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_SYSCALL = {"x86_64": 317, "aarch64": 277}
_ALLOW, _KILL, _ERROR = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_LOAD, _RETURN = 0x20, 0x06  # BPF_LD|W|ABS, BPF_RET|K
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP|JEQ, JGE, JSET with K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little-endian


class Step(NamedTuple):
    """One BPF instruction; `then` and `otherwise` name labels (empty: the next one)."""

    code: int
    value: int
    then: str = ""
    otherwise: str = ""
    label: str = ""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def install(*, sockets: Sockets, programs: bool) -> bool:
    """Refuse what a worker has no business with, in all threads, for good. Needs "no new privileges".

    `sockets` and `programs` say which stay possible. False on a kernel or processor that this does not fit.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    code = assemble(steps(machine, sockets=sockets, programs=programs))
    program = _Program(len(code), (_Instruction * len(code))(*(_Instruction(*one) for one in code)))
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(_SYSCALL[machine], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))) == 0


def steps(machine: str, *, sockets: Sockets, programs: bool) -> list[Step]:
    """The filter for `machine`, to be read from top to bottom."""
    column, architecture = _ARCHITECTURES[machine]
    refused = {**_REFUSED, **({} if programs else _PROGRAMS)}
    return [
        Step(_LOAD, _ARCHITECTURE),
        Step(_IF_EQUAL, architecture, otherwise="kill"),
        Step(_LOAD, _NUMBER),
        *([Step(_IF_AT_LEAST, _X32, then="refuse")] if machine == "x86_64" else []),
        *(Step(_IF_EQUAL, numbers[column], then="refuse") for numbers in refused.values()),
        *_about_sockets(_SOCKET[column], sockets),
        # clone3 hides its flags in memory, where a filter cannot look; the C library then uses clone.
        Step(_IF_EQUAL, _CLONE3[column], then="unknown", label="not a socket"),
        Step(_IF_EQUAL, _CLONE[column], otherwise="allow"),
        Step(_LOAD, _FIRST_ARGUMENT),
        Step(_IF_ANY_BIT, _NEW_NAMESPACES, then="refuse"),
        Step(_RETURN, _ALLOW, label="allow"),
        Step(_RETURN, _ERROR | errno.EPERM, label="refuse"),
        Step(_RETURN, _ERROR | errno.ENOSYS, label="unknown"),
        Step(_RETURN, _KILL, label="kill"),
    ]


def _about_sockets(number: int, sockets: Sockets) -> list[Step]:
    return [
        Step(_IF_EQUAL, number, otherwise="not a socket"),
        Step(_LOAD, _FIRST_ARGUMENT),
        *(Step(_IF_EQUAL, family, then="allow") for family in _FAMILIES[sockets]),
        Step(_RETURN, _ERROR | errno.EPERM),
    ]


def assemble(program: list[Step]) -> list[tuple[int, int, int, int]]:
    """BPF instructions with jumps counted: (code, steps to skip if true, if false, value)."""
    places = {step.label: place for place, step in enumerate(program) if step.label}

    def skip(label: str, place: int) -> int:
        return places[label] - place - 1 if label else 0

    return [
        (step.code, skip(step.then, place), skip(step.otherwise, place), step.value)
        for place, step in enumerate(program)
    ]
