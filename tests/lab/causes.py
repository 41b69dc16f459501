"""What an operator can answer on a game day: causes in words, the faults that have each, and the runbook to read after."""
import dataclasses

import faults
from place import LabError


@dataclasses.dataclass(frozen=True)
class Cause:
    words: str
    faults: tuple
    page: str

    @property
    def runbook(self):
        return f"docs/runbooks/{self.page}.md"


# One line each for what differs in what has to be done. Left out are faults in which the service reads at the standby: they
# need another configuration of Doorstep, which would give them away.
CAUSES = (
    Cause("commits wait for a standby that does not exist", ("a1",), "quorum-short"),
    Cause("commits wait for more standbys than there are", ("a3",), "sync-wait"),
    Cause("the standby streams under another name", ("a2",), "standby-absent"),
    Cause("the standby is down, and commits wait for it", ("b1",), "sync-hang"),
    Cause("the standby is down, and its slot keeps WAL", ("c1",), "slot-idle"),
    Cause("the standby is frozen or cut off", ("b2",), "stale-reply"),
    Cause("the slot has lost WAL that the standby needs", ("c2", "c3"), "slot-lost"),
    Cause("the standby cannot log in at the primary", ("d1", "d2"), "no-receiver"),
    Cause("replay is paused, and nobody waits for it", ("e1",), "replay-paused"),
    Cause("replay is paused, and commits wait for it", ("e2",), "slow-replay"),
    Cause("the standby applies late, and commits wait for it", ("e4",), "slow-replay"),
    Cause("the primary refuses writes", ("e7",), "read-only"),
    Cause("the standby went its own way on another timeline", ("f1",), "timeline-differs"),
    Cause("a stranger stands in the standby's place", ("f2",), "system-differs"),
    Cause("the login service, or part of it, is at the standby", ("h1", "h2"), "wrong-endpoint"),
)


def menu():
    """In alphabetical order, so that the order tells nothing."""
    return sorted(CAUSES, key=lambda cause: cause.words)


def of_fault(fault_id):
    return next(cause for cause in CAUSES if fault_id in cause.faults)


def find(answer):
    """A cause by its number in the menu, its words, or the id or the name of one of its faults."""
    text = answer.strip().lower()
    listed = menu()
    if text.isdigit() and 1 <= int(text) <= len(listed):
        return listed[int(text) - 1]
    for cause in listed:
        if text == cause.words:
            return cause
    try:
        return of_fault(faults.find(text).id)
    except (LabError, StopIteration):
        raise LabError(f"'{answer}' is no answer: 'scripts/lab gameday answer' lists them") from None


def draw(random):
    """Each cause is as likely as any other, however many faults have it."""
    return faults.find(random.choice(random.choice(CAUSES).faults))
