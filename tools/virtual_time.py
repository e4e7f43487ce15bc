"""Threads that take turns, in virtual time: what `threading` and `time` are to a program that is to run at once and repeatably.

Guarantees: one thread runs at a time, until it waits; who became ready first goes on first; when all wait, the clock jumps to
the earliest time that one of them waits for. Fails when: all wait, and none for a time: `Stuck`, in the first thread.
"""

import collections
import heapq
import itertools
import threading
import types


class Stuck(Exception):
    """Every thread waits, and none for a time."""


class _Place:
    """A thread that waits for its turn."""

    def __init__(self):
        self.turn = threading.Semaphore(0)
        self.ready = self.notified = False


class Turns:
    def __init__(self):
        self.begin()

    def begin(self):
        """From 0 again. Threads that waited then wait for ever: nobody gives them a turn."""
        self.now = 0.0
        self._ready, self._timers, self._numbers = collections.deque(), [], itertools.count()
        self._first, self._stuck = None, False

    def wait(self, places=None, until=None):
        """Gives the turn away, until notified through `places` or until that time; whether notified."""
        place = _Place()
        if threading.current_thread() is threading.main_thread():
            self._first = place
        if places is not None:
            places.append(place)
        if until is not None:
            heapq.heappush(self._timers, (until, next(self._numbers), place))
        self.pass_on()
        place.turn.acquire()
        if self._stuck:
            raise Stuck("every thread waits, and none for a time")
        return place.notified

    def notify(self, place):
        if not place.ready:
            place.ready = place.notified = True
            self._ready.append(place)

    def enter(self):
        """The place of a thread that is to run."""
        place = _Place()
        self.notify(place)
        return place

    def pass_on(self):
        while not self._ready and self._timers:
            at, _, place = heapq.heappop(self._timers)
            if not place.ready:
                place.ready, self.now = True, max(self.now, at)
                self._ready.append(place)
        if self._ready:
            self._ready.popleft().turn.release()
        elif self._first is not None:
            self._stuck = True
            self._first.turn.release()


TURNS = Turns()


class Event:
    def __init__(self):
        self._set, self._places = False, []

    def is_set(self):
        return self._set

    def set(self):
        self._set = True
        for place in self._places:
            TURNS.notify(place)
        self._places = []

    def clear(self):
        self._set = False

    def wait(self, timeout=None):
        until = None if timeout is None else TURNS.now + timeout
        return self._set or TURNS.wait(self._places, until) or self._set


class Thread:
    native_id = 0

    def __init__(self, target, args=(), name=None, daemon=None):
        self._target, self._args, self._ended = target, args, Event()

    def start(self):
        threading.Thread(target=self._run, args=(TURNS.enter(),), daemon=True).start()

    def _run(self, place):
        place.turn.acquire()
        try:
            self._target(*self._args)
        finally:
            self._ended.set()
            TURNS.pass_on()

    def join(self, timeout=None):
        self._ended.wait(timeout)

    def is_alive(self):
        return not self._ended.is_set()


def sleep(seconds):
    if seconds > 0:
        TURNS.wait(until=TURNS.now + seconds)


# In place of the modules. A thread that has the turn never waits for a lock: nobody gives the turn away while holding one.
THREADING = types.SimpleNamespace(
    Event=Event, Thread=Thread, Lock=threading.Lock, RLock=threading.RLock, Condition=threading.Condition
)
TIME = types.SimpleNamespace(sleep=sleep, time=lambda: TURNS.now)
