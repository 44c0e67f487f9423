"""How many threads compute: as many cores as nobody else is using."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.engine.threads import Crew, Usage, fair_threads, look


class Machine:
    """A machine of two cores on which `others` and we take so many cores each."""

    def __init__(self):
        self.at, self.everybody, self.own = 100.0, 0.0, 0.0

    def run(self, seconds, *, own, others):
        self.at += seconds
        self.own += own * seconds
        self.everybody += (own + others) * seconds

    def look(self):
        return Usage(self.everybody, self.own, self.at)

    def clock(self):
        return self.at


def crew_on(machine, most=2):
    told = []
    return Crew(most, told.append, machine.look, machine.clock), told


def compute(machine, crew, steps, *, own, others):
    for _ in range(steps):
        crew.adapt()
        machine.run(0.1, own=own, others=others)
        crew.rest()


def test_a_machine_of_our_own_keeps_all_its_threads():
    machine = Machine()
    crew, told = crew_on(machine)
    compute(machine, crew, 50, own=2.0, others=0.1)
    assert told == []


def test_a_core_that_another_program_takes_is_left_to_it_and_taken_back():
    machine = Machine()
    crew, told = crew_on(machine)
    compute(machine, crew, 10, own=1.3, others=0.7)
    assert told == [1]
    compute(machine, crew, 10, own=1.0, others=1.0)
    assert told == [1]
    compute(machine, crew, 10, own=1.0, others=0.0)
    assert told == [1, 2]


def test_steps_that_take_seconds_are_noticed_too():
    machine = Machine()
    crew, told = crew_on(machine)
    for _ in range(2):
        crew.adapt()
        machine.run(5.0, own=1.0, others=1.0)
        crew.rest()
    crew.adapt()
    assert told == [1]


def test_what_others_did_while_we_were_idle_does_not_count():
    machine = Machine()
    crew, told = crew_on(machine)
    machine.run(60.0, own=0.0, others=2.0)
    compute(machine, crew, 20, own=2.0, others=0.0)
    assert told == []


@given(st.integers(1, 128), st.floats(0, 200), st.floats(0, 200), st.floats(0.01, 100))
def test_there_is_always_one_thread_and_never_more_than_cores(most, everybody, own, seconds):
    threads = fair_threads(most, Usage(0, 0, 0), Usage(everybody, own, seconds))
    assert 1 <= threads <= most


def test_the_system_tells_more_time_for_everybody_than_for_us():
    before = look()
    sum(range(2_000_000))
    now = look()
    assert now.own > before.own
    assert now.everybody >= before.everybody
