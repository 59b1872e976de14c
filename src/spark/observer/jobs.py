"""Sparkthread's observer of Spark. The bot installs it in a Python kernel as the module `_sparkthread`.

While a cell runs, a thread asks Spark how far the cell's jobs are and sends the answer on iopub as a comm message; `stop`
ends the jobs of an interrupted cell. It defines and prints nothing for the user, never imports pyspark and never creates a
context. An error here ends the observation of the cell, but does not affect the cell.

Python 2.7 and 3; PySpark 2.1 to 4.x. The source is jobs.py, cells.py and stop.py in one; `get_ipython` is provided.
"""
import logging
import os
import signal
import sys
import threading
import time
import uuid

VERSION = 6
COMM = "sparkthread.spark"
GROUP = "spark.jobGroup.id"
PREFIX = "sparkthread-"
# Seconds between two looks: frequent until a job has lasted, then depending on the age of the cell.
SOON, LEAST, MOST = 0.5, 1.0, 5.0
# Jobs that last this long (seconds) are reported; without a change again after a while, because a bot may have just started.
LASTS, AGAIN = 1.0, 10.0
# Longest time (seconds) for one look, for the last look of a reported cell, and for the cell's end to wait for it.
LOOK, LONG_LOOK, LAST_LOOK = 0.02, 0.25, 0.3
# After a stop: how long later jobs are cancelled, how long none may come, and how long streams and sessions may take.
STOPPING, QUIET, STREAM_STOPS, ASKED = 5.0, 1.0, 2.0, 2.0
# How many groups of earlier cells are remembered, and how many frames of a thread are searched.
GROUPS, DEPTH = 20, 200
# Threads that do not run the user's code.
OWN_THREADS = ("ipykernel", "IPython", "zmq", "tornado", "debugpy", "_pydevd", "pydevd", "py4j", "socketserver",
               "SocketServer", "pyspark.accumulators", "tqdm", __name__)

ip = get_ipython()
wake = threading.Event()
state = {"run": None, "last": None, "thread": None, "client": None, "client_of": None, "address": None, "groups": [],
         "threads": set(), "error": None}


class Run(object):
    """One cell."""

    def __init__(self, parent, kernel):
        self.parent, self.kernel, self.since, self.thread = parent, kernel, time.time(), threading.current_thread().ident
        # Threads that were there before the cell: what they start does not belong to it.
        self.strangers = set(threading.enumerate()) - set([threading.current_thread()])
        self.context = None
        self.group = self.users_group = None
        self.before, self.streams, self.has_strangers, self.was_unclear = set(), set(), False, False
        self.jobs, self.others, self.seen_at, self.ended, self.stages = set(), set(), {}, {}, {}
        self.lasts, self.is_off, self.said, self.operations = False, False, None, {}
        self.is_interrupted, self.is_crowded, self.handler, self.theirs, self.said_at = False, False, None, None, 0
        # The call of Spark that was interrupted, and the jobs of the cell's own thread until then.
        self.call, self.called = None, set()
        self.end, self.done = threading.Event(), threading.Event()

    @property
    def id(self):
        return self.parent.get("msg_id", "")


def context():
    """The active SparkContext, or None. A stopped one has no `_jsc`."""
    found = getattr(getattr(sys.modules.get("pyspark"), "SparkContext", None), "_active_spark_context", None)
    return found if found is not None and getattr(found, "_jsc", None) is not None else None


def is_pinned(sc):
    """Whether each Python thread has its own JVM thread (PYSPARK_PIN_THREAD, the default since Spark 3.2)."""
    module = sys.modules.get("py4j.clientserver")
    return module is not None and isinstance(sc._gateway, module.ClientServer)


class Tracker(object):
    """Spark's public status tracker. `is_main`: used on the cell's own thread."""

    def __init__(self, sc, is_main=False):
        self.sc = sc
        gateway = sc._gateway
        self.client = gateway._gateway_client
        self.is_shared = is_main or is_pinned(sc)
        # Without pinning, a job group belongs to the JVM thread behind a shared connection: stay out of that pool.
        if not self.is_shared:
            if state["client_of"] is not gateway:
                state["client"] = sys.modules["py4j.java_gateway"].GatewayClient(
                    gateway_parameters=gateway.gateway_parameters, gateway_property=self.client.gateway_property)
                state["client"].converters = getattr(self.client, "converters", None)
                state["client_of"] = gateway
            self.client = state["client"]
        self.tracker = self.ask("statusTracker")

    def ask(self, name):
        """What this method of the Java context returns."""
        java = self.sc._jsc
        if self.is_shared:
            return getattr(java, name)()
        return sys.modules["py4j.java_gateway"].JavaMember(name, java, java._target_id, self.client)()

    def cancel(self, job):
        self.ask("sc").cancelJob(job)

    def ids(self, array):
        """Reads a Java int[] in one call, however long it is."""
        text = sys.modules["py4j.java_gateway"].JavaClass("java.util.Arrays", self.client).toString(array)
        return set(int(part) for part in text.strip("[]").split(",") if part.strip())

    def active(self):
        return self.ids(self.tracker.getActiveJobIds())

    def of_group(self, group):
        """None: the jobs without a group."""
        return self.ids(self.tracker.getJobIdsForGroup(group))

    def job(self, number):
        """(status, stage ids), or None if Spark has forgotten the job."""
        info = self.tracker.getJobInfo(number)
        return None if info is None else (str(info.status()), self.ids(info.stageIds()))

    def stage(self, number):
        """[tasks, done, active, failed] and the submission time (0: not yet submitted), or None."""
        info = self.tracker.getStageInfo(number)
        if info is None:
            return None
        counts = [int(info.numTasks()), int(info.numCompletedTasks()), int(info.numActiveTasks()), int(info.numFailedTasks())]
        return counts, int(info.submissionTime()) / 1000.0


def streams_of(sc):
    """The active streaming queries of all sessions by run id, which is also the job group of the query."""
    session = getattr(getattr(sys.modules.get("pyspark.sql"), "SparkSession", None), "_instantiatedSession", None)
    java = getattr(session, "_jsparkSession", None)
    if java is None or getattr(session, "_sc", None) is not sc:
        return {}
    try:
        known = java.sharedState().activeStreamingQueries()
        # Iterating over the map itself costs some 10 ms: py4j finds its views by reflection.
        queries = [known.get(key) for key in known.keySet().toArray()]
    except Exception:
        # Before Spark 3 a session knows only its own.
        queries = java.streams().active()
    return dict((str(query.runId()), query) for query in queries if query is not None)


def strangers_of(run):
    """The running threads of earlier cells."""
    found = []
    for thread in run.strangers - state["threads"]:
        target = getattr(thread, "_target", None) or getattr(thread, "_Thread__target", None)
        names = (type(thread).__module__, getattr(target, "__module__", None) or "")
        is_ours = any(name.startswith(OWN_THREADS) for name in names) or thread.name == "MainThread"
        if thread.is_alive() and not is_ours:
            found.append(thread)
    return found


def are_strangers_at_work(run):
    """Whether one of them is inside Spark's code now: a job without a group may be its own."""
    if not run.has_strangers:
        return False
    frames = sys._current_frames()
    return any(is_in_spark(frames.get(thread.ident)) for thread in strangers_of(run))


def is_in_spark(frame):
    return spark_call(frame) is not None


def spark_call(frame):
    """The outermost frame of Spark's code, which is that of the user's call."""
    depth, found = 0, None
    while frame is not None and depth < DEPTH:
        if str(frame.f_globals.get("__name__")).startswith(("py4j", "pyspark")):
            found = frame
        frame, depth = frame.f_back, depth + 1
    return found


def find_jobs(run, tracker):
    """Records the cell's jobs and returns those that are running."""
    were_at_work = are_strangers_at_work(run)
    active = tracker.active()
    at_work = were_at_work or are_strangers_at_work(run)
    if run.was_unclear and not at_work:
        # Their jobs ended with their calls, so jobs that are still running belong to this cell.
        run.others = set()
    run.was_unclear = at_work
    if run.group is not None:
        of_group = tracker.of_group(run.group)
        run.jobs |= of_group
        if not run.is_interrupted:
            run.called = of_group
    unknown = active - run.before - run.jobs - run.others
    if unknown:
        run.jobs |= own_of(run, tracker, unknown)
        run.others |= unknown - run.jobs
    run.is_crowded = bool(active - run.jobs)
    return active & run.jobs


def own_of(run, tracker, unknown):
    """Of jobs that began during the cell without its group: those that its code has caused."""
    own = set()
    for stream in streams_of(tracker.sc):
        jobs = tracker.of_group(stream)
        if stream not in run.streams:
            own |= unknown & jobs
        unknown = unknown - jobs
    if unknown and run.users_group is not None:
        own |= unknown & tracker.of_group(run.users_group)
    # Without pinning, whoever uses a connection next inherits the previous group.
    for group in state["groups"] if is_pinned(tracker.sc) else ():
        if unknown and group != run.group:
            unknown = unknown - tracker.of_group(group)
    # The rest are from threads and broadcasts of this cell, unless an earlier cell's thread is in Spark's code.
    return own if run.was_unclear else own | unknown


def look(run):
    """What is known of the cell's jobs; None while there are none. Others' are told as no jobs: Spark's bar shows them too."""
    sc = context()
    if sc is None:
        return tell_away(run)
    if run.context is not sc:
        run.context, run.group, run.before = sc, None, set()
        run.jobs, run.others, run.called, run.ended, run.stages = set(), set(), set(), {}, {}
    until = time.time() + (LONG_LOOK if run.lasts and run.end.is_set() else LOOK)
    tracker = Tracker(sc)
    active = find_jobs(run, tracker)
    if not run.jobs:
        return tell(run, 0, 0, 0, [0, 0, 0, 0]) if run.is_crowded else None
    now = time.time()
    for job in active:
        run.lasts = run.lasts or now - run.seen_at.setdefault(job, now) >= LASTS
    for job in sorted(active) + sorted(run.jobs - active, reverse=True):
        if job not in run.ended and time.time() < until:
            look_at(run, tracker, job)
    if state["address"] is None or state["address"][0] is not sc:
        if is_pinned(sc):
            address_of(sc)
    return tell(run, len(run.jobs), len(run.jobs - active), len([s for s in run.ended.values() if s == "FAILED"]),
                [sum(stage[n] for stage in run.stages.values()) for n in range(4)], min(active) if active else max(run.jobs))


def look_at(run, tracker, job):
    found = tracker.job(job)
    if found is None:
        run.ended[job] = "UNKNOWN"
        return
    status, stages = found
    for number in stages:
        stage = tracker.stage(number)
        # A stage that an earlier cell has computed is skipped here.
        if stage is None or 0 < stage[1] < run.since - LEAST:
            continue
        counts = stage[0]
        if status != "RUNNING":
            counts[0], counts[2] = (counts[1] if status == "SUCCEEDED" else counts[0]), 0
        run.stages[number] = counts
    if status != "RUNNING":
        run.ended[job] = status
