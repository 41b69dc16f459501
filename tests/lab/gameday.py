"""Game day: something breaks and nobody says what. One round is a calm, a fault drawn at random, the operator's answer, and
what was measured. The round lives in the lab's folder, so that it is played from as many terminals as one likes:
`gameday.json` is written when it begins, `gameday-seen.json` by the host in the background, `gameday-answers.json` by the
operator's commands."""
import argparse
import datetime
import json
import os
import pathlib
import random
import shutil
import sys
import time

import causes
import faults
import load
import processes
import service
import watching
from place import ROOT, LabError, now, say

ROUND, SEEN, ANSWERS = "gameday", "gameday-seen", "gameday-answers"
HOST, PEOPLE = "gameday-host", "gameday-people"
BACKGROUND = (HOST, PEOPLE, watching.TAG)
RESULTS = "gameday.jsonl"
# A calm long enough that nobody knows when; seconds.
CALM = (20.0, 90.0)
# Until the host gives up on an alarm or on healing, where nobody is there to give up; seconds.
PATIENCE = 120.0


def going(place):
    return place.read(ROUND) is not None


# ---- the operator's commands -----------------------------------------------------------------------
def begin(pair, arguments):
    place = pair.place
    if going(place):
        raise LabError("a round is on: 'scripts/lab gameday reveal' ends it")
    if place.read("fault") or not service.up(place) or not pair.streams():
        raise LabError("the lab is not healthy: 'scripts/lab heal', then 'scripts/lab status'")
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1_000_000)
    low, high = arguments.calm or CALM
    doorstep = program(arguments)
    place.remember(ROUND, {"seed": seed, "calm": [low, high], "began": now()})
    for stale in (SEEN, ANSWERS):
        place.forget(stale)
    lab = [sys.executable, str(pathlib.Path(__file__).parent / "main.py"), "--folder", str(place.folder)]
    processes.detached(place, PEOPLE, [*lab, "load", "--rate", "2", "--for", "36000"])
    watching.start(place, doorstep)
    processes.detached(place, HOST, [*lab, "gameday", "host"])
    say(f"The round has begun: people log in, and within {high:.0f} s something breaks. Find out what, with:\n"
        f"  export DOORSTEP_CONFIG={place.path('doorstep.yaml')}\n"
        f"  {doorstep} database check\n"
        f"  {doorstep} try\n"
        "Answer with 'scripts/lab gameday answer', put it right with the runbook's commands (or 'scripts/lab gameday heal'),\n"
        "and end with 'scripts/lab gameday reveal'.")


def program(arguments):
    """The doorstep to watch with."""
    given = arguments.doorstep or os.environ.get("DOORSTEP")
    built = [ROOT / "target" / kind / "doorstep" for kind in ("release", "debug")]
    found = given or next((str(path) for path in built if path.is_file()), None) or shutil.which("doorstep")
    if not found or not pathlib.Path(found).is_file():
        raise LabError("there is no doorstep: 'cargo build --release', or give --doorstep PATH")
    return found


def answer(pair, arguments):
    place = pair.place
    current(place)
    given = arguments.cause or ask()
    cause = causes.find(given)
    seen = place.read(SEEN) or {}
    right = "injected" in seen and cause == causes.of_fault(seen["fault"])
    place.remember(ANSWERS, [*(place.read(ANSWERS) or []), {"at": now(), "words": cause.words, "right": right}])
    print(f"{'right' if right else 'not that'}: {cause.words}")
    if not right:
        raise SystemExit(1)


def ask():
    for number, cause in enumerate(causes.menu(), 1):
        print(f"{number:3}  {cause.words}")
    if not sys.stdin.isatty():
        raise LabError("give the answer: 'scripts/lab gameday answer NUMBER'")
    return input("Which? ")


def heal(pair, _arguments):
    current(pair.place)
    seen = pair.place.read(SEEN) or {}
    if "injected" not in seen:
        raise LabError("there is nothing to heal yet")
    with locked(pair.place):
        faults.heal(pair)
    say("healed; Doorstep has to see it, too")


def status(pair, _arguments):
    known, seen = current(pair.place), pair.place.read(SEEN) or {}
    print(f"began    {known['began']}")
    print(f"alarm    {seen['alarm']['at'] + '  ' + seen['alarm']['text'] if 'alarm' in seen else 'none'}")
    for one in pair.place.read(ANSWERS) or []:
        print(f"answer   {one['at']}  {'right' if one['right'] else 'not that'}: {one['words']}")
    print(f"healed   {seen.get('healed', 'not yet, or nothing broke')}")


def reveal(pair, _arguments):
    """The end of the round, answered or not; the lab is healthy afterwards."""
    place = pair.place
    known = current(place)
    seen, answers = place.read(SEEN) or {}, place.read(ANSWERS) or []
    for tag in BACKGROUND:
        processes.end(place, tag)
    with locked(place):
        faults.heal(pair)
    for name in (ROUND, SEEN, ANSWERS):
        place.forget(name)
    if "injected" not in seen:
        print("The round ended in the calm: nothing was broken.")
        return
    result = {**known, **seen, "answers": answers}
    with open(place.path(RESULTS), "a") as file:
        file.write(json.dumps(result) + "\n")
    print("\n".join(told(result)))


def current(place):
    known = place.read(ROUND)
    if known is None:
        raise LabError("no round is on: 'scripts/lab gameday' begins one")
    return known


def told(result):
    fault, cause = faults.find(result["fault"]), causes.of_fault(result["fault"])
    answers = result["answers"]
    right = next((one for one in answers if one["right"]), None)
    wrong = len([one for one in answers if not one["right"]])
    alarm = result.get("alarm")

    def after(instant):
        return f"+{seconds(result['injected'], instant):.1f} s" if instant else "never"
    return [
        f"what      {fault.id} {fault.alias}: {fault.line}",
        f"cause     {cause.words}",
        f"injected  {result['injected']}  (seed {result['seed']}; {result['alarms_in_the_calm']} alarms in the calm before)",
        f"alarm     {after(alarm and alarm['at'])}{'  ' + alarm['text'] if alarm else ''}",
        f"answered  {after(right and right['at'])}  {'right' if right else 'no right answer'}, {wrong} wrong before",
        f"healed    {after(result.get('healed'))}",
        f"runbook   {cause.runbook}",
    ]


def seconds(begin, end):
    first, last = (datetime.datetime.fromisoformat(instant) for instant in (begin, end))
    return (last - first).total_seconds()


# ---- without an operator ---------------------------------------------------------------------------
def alone(pair, arguments):
    """One whole round with the answers given in advance: waits for Doorstep's alarm, answers, heals, reveals."""
    place = pair.place
    begin(pair, arguments)
    try:
        wait(place, "alarm", current(place)["calm"][1] + PATIENCE)
        for given in arguments.answer:
            arguments.cause = given
            try:
                answer(pair, arguments)
            except SystemExit:
                continue
        heal(pair, arguments)
        wait(place, "healed", PATIENCE)
    finally:
        reveal(pair, arguments)


def wait(place, event, patience):
    def done():
        return event in (place.read(SEEN) or {}) or processes.pid_of(place, HOST) is None
    if not processes.until(patience, done, 0.1) or event not in (place.read(SEEN) or {}):
        raise LabError(f"no '{event}' within {patience:.0f} s: see {place.path(HOST + '.log')}")


# ---- the host in the background --------------------------------------------------------------------
def host(pair, _arguments):
    place = pair.place
    known = current(place)
    chance = random.Random(known["seed"])
    calm = chance.uniform(*known["calm"])
    drawn = causes.draw(chance)
    end = time.monotonic() + calm
    false = 0
    while time.monotonic() < end:
        false += alarm(place) is not None
        time.sleep(max(0.0, min(1.0, end - time.monotonic())))
    with locked(place):
        faults.inject(pair, drawn.id)
    seen = {"fault": drawn.id, "injected": place.read("fault")["injected"], "alarms_in_the_calm": false}
    place.remember(SEEN, seen)
    while "healed" not in seen:
        begun = now()
        found = alarm(place)
        if found and "alarm" not in seen:
            seen["alarm"] = {"at": now(), "text": found}
        if not found and "alarm" in seen and quiet(place):
            seen["healed"] = begun
        place.remember(SEEN, seen)
        time.sleep(0.5)


def quiet(place):
    """A login works and its session does, and Doorstep says once more that nothing is wrong."""
    line = load.attempt(place.ports["service"], "probe1", 5.0)
    return line["outcome"] == "ok" and alarm(place) is None


def alarm(place):
    """The gravest finding of Doorstep; None when there is none."""
    found = watching.holding(place)
    return "{1} on {2} ({0})".format(*found[0]) if found else None


def locked(place):
    """The lab's lock, waited for: the host and the operator's commands change the lab in turn."""
    return Turn(place)


class Turn:
    def __init__(self, place):
        self.place, self.lock = place, None

    def __enter__(self):
        def taken():
            try:
                self.lock = self.place.lock()
            except LabError:
                return False
            return True
        if not processes.until(60, taken, 0.2):
            raise LabError("another command is at work on the lab: wait for it")

    def __exit__(self, *_):
        self.lock.release()


COMMANDS = {"begin": begin, "answer": answer, "heal": heal, "status": status, "reveal": reveal, "host": host}


def run(pair, arguments):
    pair.place.require()
    if arguments.answer:
        alone(pair, arguments)
    else:
        COMMANDS[arguments.what](pair, arguments)


def declare(add):
    command = add("gameday", run, "break something without saying what, for operators to find")
    command.add_argument("what", nargs="?", default="begin", choices=tuple(COMMANDS), help="begin (default); answer; heal; "
                         "status: what is known so far; reveal: end the round; host: the round's own background process")
    command.add_argument("cause", nargs="?", help="answer: a number of the list that 'answer' prints, or a fault's id or name")
    command.add_argument("--seed", type=int, help="draw the same fault and the same calm again")
    command.add_argument("--calm", type=span, metavar="FROM-TO", help="seconds before the fault (default 20-90)")
    command.add_argument("--answer", action="append", metavar="CAUSE", help="play the whole round without an operator, with "
                         "this answer as soon as Doorstep raises the alarm; may be given more than once")
    command.add_argument("--doorstep", metavar="PATH", help="the doorstep to watch with (default: the one built here)")


def span(text):
    low, _, high = text.partition("-")
    low, high = float(low), float(high or low)
    if not 0 <= low <= high:
        raise argparse.ArgumentTypeError(f"'{text}' is no stretch of seconds: write the shorter one first, as 5-10")
    return low, high
