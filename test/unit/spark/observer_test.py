"""The observer on a Spark and an IPython of this file's own; observer.test.ts runs it and gives the code by environment."""
import concurrent.futures
import os
import signal
import sys
import threading
import traceback
import types
import unittest


class Clock(object):
    def __init__(self):
        self.now = 1000.0

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def strftime(self, *_):
        return "then"

    def gmtime(self):
        return None


class Info(object):
    """A Java object: each field is asked by a call."""

    def __init__(self, **fields):
        self.fields = fields

    def __getattr__(self, name):
        return lambda: self.fields[name]


class Spark(object):
    """A SparkContext, its Java side and its status tracker in one."""

    def __init__(self, is_pinned=True):
        self.properties, self.jobs, self.stages, self.groups, self.cancelled = {}, {}, {}, {}, []
        # Of the session that PySpark knows, and of others (newSession).
        self.streams, self.others_streams, self.calls = [], [], 0
        self.applicationId, self.uiWebUrl, self._conf = "app-1", "http://driver:4040", {}
        self._jsc, self._target_id = self, "o1"
        server = sys.modules["py4j.clientserver"].ClientServer()
        self._gateway = server if is_pinned else types.SimpleNamespace()
        self._gateway._gateway_client = types.SimpleNamespace(gateway_property="property", name="shared", converters=[1])
        self._gateway.gateway_parameters = "parameters"

    def add_job(self, job, group=None, status="RUNNING", stages=()):
        self.jobs[job] = Info(status=status, stageIds=list(stages))
        self.groups[job] = group

    def add_stage(self, stage, tasks, done, active=0, failed=0, submitted=0):
        self.stages[stage] = Info(numTasks=tasks, numCompletedTasks=done, numActiveTasks=active, numFailedTasks=failed,
                                  submissionTime=submitted)

    def getLocalProperty(self, name):
        return self.properties.get(name)

    def setLocalProperty(self, name, value):
        self.properties[name] = value

    def statusTracker(self):
        self.calls += 1
        return self

    def getActiveJobIds(self):
        return [job for job, info in self.jobs.items() if info.fields["status"] == "RUNNING"]

    def getJobIdsForGroup(self, group):
        return [job for job, of in self.groups.items() if of == group]

    def getJobInfo(self, job):
        return self.jobs.get(job)

    def getStageInfo(self, stage):
        return self.stages.get(stage)

    def sc(self):
        return self

    def cancelJob(self, job):
        self.cancelled.append(job)
        self.jobs[job].fields["status"] = "FAILED"


class Shell(object):
    """IPython's hooks, and a kernel that keeps what is sent."""

    def __init__(self):
        self.hooks = {"pre_run_cell": [], "post_run_cell": []}
        self.events, self.kernel, self.iopub_socket, self.sent = self, self, "iopub", []
        self.session = types.SimpleNamespace(session="kernel-session", send=self.keep)
        self.parent_header, self.user_ns = {"header": {"msg_id": "cell-0"}}, {}

    def keep(self, socket, message, ident):
        self.sent.append(message)

    def register(self, event, hook):
        self.hooks[event].append(hook)

    def unregister(self, event, hook):
        self.hooks[event].remove(hook)

    def begin(self, cell):
        self.parent_header = {"header": {"msg_id": cell}}
        for hook in self.hooks["pre_run_cell"]:
            hook(None)

    def end(self):
        for hook in self.hooks["post_run_cell"]:
            hook(None)


class ObserverTest(unittest.TestCase):
    def setUp(self):
        for name in [name for name in sys.modules if name.startswith(("pyspark", "py4j", "_sparkthread"))]:
            del sys.modules[name]
        clientserver, gateway = types.ModuleType("py4j.clientserver"), types.ModuleType("py4j.java_gateway")
        clientserver.ClientServer = type("ClientServer", (object,), {})
        gateway.JavaClass = lambda name, client: types.SimpleNamespace(toString=lambda array: str(list(array)))
        gateway.GatewayClient = lambda **given: types.SimpleNamespace(name="own", **given)
        gateway.JavaMember = lambda name, obj, target, client: lambda: types.SimpleNamespace(
            client=client, getActiveJobIds=obj.getActiveJobIds, getJobIdsForGroup=obj.getJobIdsForGroup,
            getJobInfo=obj.getJobInfo, getStageInfo=obj.getStageInfo, cancelJob=obj.cancelJob)
        sys.modules["py4j.clientserver"], sys.modules["py4j.java_gateway"] = clientserver, gateway
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.shell = Shell()
        self.put_in()
        self.observer = sys.modules["_sparkthread"]
        self.clock = self.observer.time = Clock()
        # No thread that looks: the tests call its looks.
        self.start = self.observer.start
        self.observer.start = lambda target, name: (
            self.start(target, name) if name == "sparkthread-ask" else types.SimpleNamespace(is_alive=lambda: True))

    def put_in(self):
        names = {"get_ipython": lambda: self.shell}
        eval(compile(os.environ["PUT_IN"], "<cell>", "eval"), names)
        names.pop("__builtins__", None)
        self.assertEqual(list(names), ["get_ipython"])

    def context(self, **given):
        spark = Spark(**given)
        sys.modules["pyspark"] = types.SimpleNamespace(SparkContext=types.SimpleNamespace(_active_spark_context=spark))
        def active():
            # Java's map as it costs little: going through it as Python's does costs more than all else.
            queries = spark.streams + spark.others_streams
            keys = types.SimpleNamespace(toArray=lambda: list(range(len(queries))))
            return types.SimpleNamespace(keySet=lambda: keys, get=queries.__getitem__)
        shared = types.SimpleNamespace(activeStreamingQueries=active)
        session = types.SimpleNamespace(_sc=spark, _jsparkSession=types.SimpleNamespace(
            sharedState=lambda: shared, streams=lambda: types.SimpleNamespace(active=lambda: spark.streams)))
        sys.modules["pyspark.sql"] = types.SimpleNamespace(
            SparkSession=types.SimpleNamespace(_instantiatedSession=session))
        return spark

    def begin(self, cell="cell-1"):
        self.shell.begin(cell)
        return self.observer.state["run"]

    def look(self, run, later=1.0):
        self.clock.now += later
        return self.observer.look(run)

    # -- what it leaves alone --

    def test_without_spark_it_does_nothing(self):
        run = self.begin()
        self.assertIsNone(self.look(run))
        self.shell.end()
        self.assertEqual(self.shell.sent, [])
        self.assertNotIn("pyspark", sys.modules)
        self.assertIsNone(self.observer.state["error"])

    def test_put_in_twice_its_hooks_are_there_once(self):
        self.put_in()
        self.assertEqual([len(hooks) for hooks in self.shell.hooks.values()], [1, 1])

    def test_another_version_takes_the_place_of_an_earlier_one(self):
        self.observer.VERSION = 0
        self.put_in()
        self.assertIsNot(sys.modules["_sparkthread"], self.observer)
        self.assertEqual([len(hooks) for hooks in self.shell.hooks.values()], [1, 1])

    def test_a_group_of_the_users_own_stays(self):
        spark = self.context()
        spark.properties["spark.jobGroup.id"] = "mine"
        spark.add_job(1, group="mine", status="SUCCEEDED")
        run = self.begin()
        self.assertEqual(spark.properties, {"spark.jobGroup.id": "mine"})
        spark.add_job(2, group="mine")
        self.look(run)
        self.assertEqual(run.jobs, {2})

    def test_gone_it_leaves_no_group(self):
        spark = self.context()
        self.begin()
        self.assertEqual(spark.properties["spark.jobGroup.id"], "sparkthread-cell-1")
        self.observer.uninstall()
        self.assertIsNone(spark.properties["spark.jobGroup.id"])
        self.assertEqual(list(self.shell.hooks.values()), [[], []])

    # -- what it says --

    def test_a_job_is_told_once_it_has_lasted(self):
        spark = self.context()
        run = self.begin()
        spark.add_job(7, group="sparkthread-cell-1", stages=[3, 4])
        spark.add_stage(3, tasks=10, done=4, active=2, failed=1)
        spark.add_stage(4, tasks=5, done=0)
        self.assertFalse(self.look(run, 0.5)["lasts"])
        said = self.look(run)
        self.assertEqual((said["jobs"], said["tasks"], said["job"], said["lasts"]), ([1, 0, 0], [15, 4, 2, 1], 7, True))
        self.assertEqual(said["at"], {"app": "app-1", "ui": "http://driver:4040", "yarn": None, "reverse": None})

    def test_what_has_not_changed_is_told_again_after_a_while_because_another_bot_may_listen(self):
        run = self.begin()
        for later in (0, 5, 6, 1):
            self.clock.now += later
            self.observer.publish(run, {"jobs": [1, 0, 0]})
        self.assertEqual(len(self.shell.sent), 2)

    def test_where_only_others_jobs_are_at_work_it_says_that_this_cell_has_none(self):
        spark = self.context()
        spark.add_job(1)
        run = self.begin()
        said = self.look(run)
        self.assertEqual((said["jobs"], said["tasks"], said["lasts"]), ([0, 0, 0], [0, 0, 0, 0], False))
        spark.jobs[1].fields["status"] = "SUCCEEDED"
        self.assertIsNone(self.look(run))

    def test_an_ended_job_is_asked_a_last_time_and_its_skipped_tasks_do_not_count(self):
        spark = self.context()
        run = self.begin()
        spark.add_job(1, group="sparkthread-cell-1", status="SUCCEEDED", stages=[1, 2])
        spark.add_stage(1, tasks=8, done=8)
        spark.add_stage(2, tasks=100, done=0)
        self.assertEqual(self.look(run)["tasks"], [8, 8, 0, 0])
        spark.jobs.clear()
        self.assertEqual(self.look(run)["jobs"], [1, 1, 0])

    def test_stages_that_an_earlier_cell_computed_do_not_count(self):
        spark = self.context()
        run = self.begin()
        spark.add_job(1, group="sparkthread-cell-1", stages=[1, 2])
        spark.add_stage(1, tasks=50, done=50, submitted=900000)
        spark.add_stage(2, tasks=4, done=1, submitted=1000500)
        self.assertEqual(self.look(run)["tasks"], [4, 1, 0, 0])

    def test_its_message_has_the_cell_for_parent_and_an_id_of_its_own(self):
        run = self.begin()
        self.observer.publish(run, {"v": 1})
        self.observer.publish(run, {"v": 1})
        (message,) = self.shell.sent
        self.assertEqual(message["parent_header"]["msg_id"], "cell-1")
        self.assertRegex(message["header"]["msg_id"], "^[0-9a-f]{8}-[0-9a-f-]{27}$")
        self.assertEqual(message["content"], {"comm_id": "sparkthread.spark", "data": {"v": 1}})

    def test_a_long_look_ends_in_time_and_goes_on_with_the_next(self):
        spark = self.context()
        run = self.begin()
        for job in range(100):
            spark.add_job(job, group="sparkthread-cell-1", status="SUCCEEDED")
        asked = spark.getJobInfo

        def slowly(job):
            self.clock.now += 0.001
            return asked(job)
        spark.getJobInfo = slowly
        self.look(run)
        self.assertLess(len(run.ended), 30)
        self.assertEqual(self.look(run)["jobs"], [100, 100, 0])
        self.assertGreater(len(run.ended), 30)
        run.end.set()
        self.look(run)
        self.assertLess(len(run.ended), 80)
        run.lasts = True
        self.look(run)
        self.assertEqual(len(run.ended), 100)

    # -- which jobs are a cell's --

    def test_jobs_from_before_and_streams_of_earlier_cells_are_others(self):
        spark = self.context()
        spark.add_job(1)
        spark.streams.append(Info(runId="stream-old"))
        spark.others_streams.append(Info(runId="another-sessions"))
        run = self.begin()
        spark.add_job(2, group="stream-old")
        spark.add_job(5, group="another-sessions")
        spark.streams.append(Info(runId="stream-new"))
        spark.add_job(3, group="stream-new")
        spark.add_job(4, group="a broadcast")
        self.look(run)
        self.assertEqual(run.jobs, {3, 4})

    def test_while_a_thread_of_an_earlier_cell_is_at_work_in_spark_a_job_without_a_group_is_nobodys(self):
        spark = self.context(is_pinned=False)
        called, over, gone = threading.Event(), threading.Event(), threading.Event()
        py4j = {"__name__": "py4j.java_gateway", "called": called, "over": over}
        exec("def send_command():\n    called.set()\n    over.wait(10)", py4j)

        def work():
            py4j["send_command"]()
            called.clear()
            gone.wait(10)
        # The name of the module where its code was written, as in a kernel.
        work.__module__ = "__main__"
        thread = threading.Thread(target=work)
        thread.start()
        called.wait(10)
        try:
            run = self.begin()
            # A thread's connection may be the next one of the cell.
            self.assertIsNone(run.group)
            spark.add_job(1)
            self.look(run)
            self.assertEqual(run.jobs, set())
            over.set()
            while called.is_set():
                gone.wait(0.001)
            # It waits for something else now, and what still goes on is the cell's: on a connection that had a group before.
            self.observer.state["groups"].append("sparkthread-earlier")
            spark.add_job(2, group="sparkthread-earlier")
            self.look(run)
            self.assertEqual(run.jobs, {1, 2})
        finally:
            over.set()
            gone.set()
            thread.join()

    def test_a_thread_that_inherited_an_earlier_cells_group_is_no_part_of_this_one(self):
        spark = self.context()
        self.begin("cell-1")
        self.shell.end()
        run = self.begin("cell-2")
        spark.add_job(1, group="sparkthread-cell-1")
        self.look(run)
        self.assertEqual(run.jobs, set())

    def test_another_context_begins_anew(self):
        self.context().add_job(1)
        run = self.begin()
        spark = self.context()
        spark.add_job(1)
        spark.add_stage(0, tasks=1, done=0)
        self.look(run)
        self.assertEqual((run.jobs, run.group), ({1}, None))

    def test_not_pinned_it_keeps_out_of_the_shared_connections(self):
        spark = self.context(is_pinned=False)
        run = self.begin()
        calls = spark.calls
        spark.add_job(1, group="sparkthread-cell-1")
        self.look(run)
        self.assertEqual((run.jobs, spark.calls), ({1}, calls))
        own = self.observer.state["client"]
        self.assertEqual((own.name, own.converters), ("own", [1]))

    # -- failures --

    def test_a_failure_ends_its_work_for_this_cell_alone(self):
        spark = self.context()
        run = self.begin()
        run.end.set()
        run.jobs.add(1)
        spark.getActiveJobIds = lambda: 1 / 0
        self.observer.observe(run)
        self.assertTrue(run.is_off)
        self.assertIn("ZeroDivisionError", self.observer.state["error"])
        self.shell.end()
        self.shell.begin("cell-2")
        self.assertIsNone(self.observer.state["run"])
        spark.getActiveJobIds = lambda: []
        self.assertFalse(self.begin("cell-3").is_off)
        self.assertEqual(self.shell.sent, [])

    # -- stop --

    def test_a_stop_ends_the_cells_jobs_and_no_others(self):
        spark = self.context()
        spark.add_job(1)
        spark.streams.append(Info(runId="stream"))
        self.begin()
        spark.add_job(2, group="sparkthread-cell-1")
        spark.add_job(3, group="stream")
        spark.add_job(4)
        stopped = []
        self.observer.start = self.start
        self.observer.keep_cancelling = lambda *_: None
        own = Info(runId="own")
        own.stop = lambda: stopped.append("own")
        spark.streams.append(own)
        spark.others_streams.append(Info(runId="own, and cannot be stopped"))
        self.shell.end()
        self.shell.parent_header = {"header": {"msg_id": "quiet"}}
        self.observer.stop("cell-1", 5)
        self.assertEqual((spark.cancelled, stopped), ([2, 4], ["own"]))
        self.assertEqual(self.shell.sent[-1]["content"]["data"], {"v": self.observer.VERSION, "stopped": "jobs"})
        self.assertEqual(self.shell.sent[-1]["parent_header"]["msg_id"], "quiet")

    def interrupt(self):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            return
        self.fail("no KeyboardInterrupt")

    def test_an_interrupted_cell_that_waits_for_its_threads_has_their_jobs_ended(self):
        for is_pinned in (True, False):
            spark = self.context(is_pinned=is_pinned)
            spark.add_job(1)
            run = self.begin()
            spark.add_job(2)
            ended = threading.Event()
            cancel = spark.cancelJob
            spark.cancelJob = lambda job: (cancel(job), ended.set())
            self.interrupt()
            looks = self.start(lambda: self.observer.observe(run), "looks")
            ended.wait(10)
            self.shell.end()
            looks.join(10)
            self.assertEqual((spark.cancelled, self.observer.state["error"]), ([2], None))

    def test_a_stop_cancels_what_waits_in_the_cells_pools_of_threads_and_in_no_earlier_ones(self):
        spark = self.context()
        over = threading.Event()
        pools = [concurrent.futures.ThreadPoolExecutor(1) for _ in range(2)]
        futures = [pools[0].submit(over.wait, 10), pools[0].submit(int)]
        self.begin()
        futures += [pools[1].submit(over.wait, 10), pools[1].submit(int), pools[1].submit(int)]
        pools[1].shutdown(wait=False)
        self.shell.end()
        self.observer.stop("cell-1", 5)
        over.set()
        self.assertEqual([future.cancelled() for future in futures], [False, False, False, True, True])
        # Its thread ends, although it had been told so by what was in its queue.
        pools[1].shutdown()
        self.assertIsNone(self.observer.state["error"])

    def test_code_that_catches_the_interrupt_and_waits_for_its_pool_learns_what_was_cancelled(self):
        self.context()
        run = self.begin()
        over = threading.Event()
        pool = concurrent.futures.ThreadPoolExecutor(1)
        futures = [pool.submit(over.wait, 10), pool.submit(int)]
        self.observer.end_others(run)
        over.set()
        done = concurrent.futures.wait(futures, timeout=10)[0]
        self.assertEqual(done, set(futures))
        self.assertEqual([future.cancelled() for future in futures], [False, True])
        pool.shutdown()
        self.shell.end()

    def interrupted(self, spark, rest):
        """A cell in a call of Spark with a job that a look has found; behind the interrupt `rest` runs in the same call."""
        run = self.begin()
        spark.add_job(1, group="sparkthread-cell-1")
        self.look(run)

        def call():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                # One that had not begun when the interrupt came.
                spark.add_job(2, group="sparkthread-cell-1")
                self.look(run)
                rest(run)
        eval("call()", {"__name__": "pyspark.sql", "call": call})
        return run

    def test_an_interrupted_call_of_spark_that_waits_for_its_own_job_is_ended(self):
        spark = self.context()
        run = self.interrupted(spark, self.observer.end_others)
        self.assertEqual(spark.cancelled, [1, 2])
        self.shell.end()
        self.assertIsNone(run.call)

    def test_an_interrupted_cell_that_calls_spark_again_goes_on_without_the_job_from_before(self):
        spark = self.context()
        run = self.interrupted(spark, lambda run: None)
        again = {"__name__": "pyspark.sql", "again": lambda: self.observer.end_others(run)}
        eval("again()", again)
        eval("again()", again)
        self.assertEqual(spark.cancelled, [1])
        self.observer.end_others(run)
        self.assertEqual(spark.cancelled, [1, 2])

    def test_after_the_cell_the_kernels_own_handler_of_interrupts_is_back_and_one_of_the_users_stays(self):
        theirs = signal.getsignal(signal.SIGINT)
        self.context()
        self.begin()
        self.assertIsNot(signal.getsignal(signal.SIGINT), theirs)
        self.shell.end()
        self.assertIs(signal.getsignal(signal.SIGINT), theirs)
        self.begin()
        users = lambda *_: None
        signal.signal(signal.SIGINT, users)
        self.shell.end()
        self.assertIs(signal.getsignal(signal.SIGINT), users)
        signal.signal(signal.SIGINT, theirs)

    def test_the_traceback_of_an_interrupt_has_the_users_code_alone(self):
        self.context()
        run = self.begin()
        try:
            os.kill(os.getpid(), signal.SIGINT)
            self.fail("no KeyboardInterrupt")
        except KeyboardInterrupt:
            self.assertEqual([each[0] for each in traceback.extract_tb(sys.exc_info()[2])], [__file__])
        self.assertTrue(run.is_interrupted)
        self.shell.end()

    def test_a_cell_that_is_not_on_the_main_thread_is_observed_all_the_same(self):
        self.context()
        cell = threading.Thread(target=self.begin)
        cell.start()
        cell.join()
        self.assertIsNone(self.observer.state["error"])
        self.assertEqual(self.observer.state["run"].id, "cell-1")
        self.shell.end()

    def test_without_spark_an_interrupt_is_the_kernels_alone(self):
        theirs = signal.getsignal(signal.SIGINT)
        self.begin()
        self.assertIs(signal.getsignal(signal.SIGINT), theirs)

    def test_a_stream_that_does_not_end_keeps_no_job_from_being_ended(self):
        spark = self.context()
        self.begin()
        spark.add_job(1)
        let_go = threading.Event()
        hanging = Info(runId="own")
        hanging.stop = let_go.wait
        spark.streams.append(hanging)
        self.shell.end()
        self.shell.parent_header = {"header": {"msg_id": "quiet"}}
        self.observer.STREAM_STOPS, self.observer.start = 0.01, self.start
        self.observer.keep_cancelling = lambda *_: None
        self.observer.stop("cell-1", 5)
        let_go.set()
        self.assertEqual(spark.cancelled, [1])

    def test_what_is_submitted_after_a_stop_is_ended_until_none_came_for_a_while(self):
        spark = self.context()
        run = self.begin()
        self.shell.end()
        begun = self.clock.now
        sleep = self.clock.sleep

        def submit(seconds):
            sleep(seconds)
            if self.clock.now - begun < 1:
                spark.add_job(int(self.clock.now * 1000), group="sparkthread-cell-1")
        self.clock.sleep = submit
        self.observer.keep_cancelling(run, spark)
        self.assertEqual(spark.getActiveJobIds(), [])
        self.assertTrue(1.5 < self.clock.now - begun < 5)

    def test_of_a_cell_that_was_not_seen_it_ends_what_began_in_its_time(self):
        spark = self.context()
        spark.add_job(1, stages=[1])
        spark.add_stage(1, tasks=9, done=1, submitted=990000)
        spark.add_job(2, stages=[2])
        spark.add_stage(2, tasks=9, done=1, submitted=997000)
        spark.add_job(3, group="stream", stages=[3])
        spark.add_stage(3, tasks=9, done=1, submitted=999000)
        spark.streams.append(Info(runId="stream"))
        # As Spark 2 has it.
        del sys.modules["pyspark.sql"].SparkSession._instantiatedSession._jsparkSession.sharedState
        self.observer.stop("cell-unseen", 5)
        self.assertEqual(spark.cancelled, [2])

    def test_a_stream_that_ends_while_they_are_listed_is_none(self):
        spark = self.context()
        self.begin()
        spark.add_job(1)
        # What py4j gives for a key that is gone.
        spark.others_streams.append(None)
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(spark.cancelled, [1])

    # -- Spark Connect --

    def connect(self, **more):
        tags, told = set(), []
        session = type("SparkSession", (types.SimpleNamespace,), {})(
            getTags=lambda: set(tags), addTag=tags.add, removeTag=tags.discard, interruptTag=lambda tag: told.append(tag) or [1],
            interruptOperation=lambda operation: told.append(operation) or [1],
            interruptAll=lambda: told.append("all") or [1], registerProgressHandler=lambda handler: handler in told or told.append(handler))
        for name, value in more.items():
            delattr(session, name) if value is None else setattr(session, name, value)
        type(session)._default_session = session
        sys.modules["pyspark.sql.connect.session"] = types.SimpleNamespace(SparkSession=type(session))
        return session, tags, told

    def test_a_client_without_a_session_of_its_own_keeps_no_job_from_being_ended(self):
        spark = self.context()
        sys.modules["pyspark.sql.connect.session"] = types.SimpleNamespace(SparkSession=type("SparkSession", (), {}))
        self.begin()
        spark.add_job(1)
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(spark.cancelled, [1])

    def test_operations_carry_the_tag_of_their_cell_and_a_stop_ends_these(self):
        _, tags, told = self.connect()
        tags.add("the user's")
        self.begin("cell-1")
        self.shell.end()
        self.begin("cell-2")
        self.assertEqual(tags, {"the user's", "sparkthread-cell-2"})
        self.shell.end()
        self.observer.stop("cell-2", 1)
        self.assertEqual(told, [self.observer.on_progress, "sparkthread-cell-2"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "operations")

    def test_a_stop_ends_a_stream_that_the_cell_has_started_and_none_from_before(self):
        self.connect()
        stopped = []
        kind = type("StreamingQuery", (types.SimpleNamespace,), {"stop": lambda query: stopped.append(query.runId)})
        sys.modules["pyspark.sql.connect.streaming.query"] = types.SimpleNamespace(StreamingQuery=kind)
        self.shell.user_ns["early"] = kind(runId="early")
        self.begin("cell-1")
        self.shell.user_ns["own"] = kind(runId="own")
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual((stopped, self.shell.sent[-1]["content"]["data"]["stopped"]), (["own"], "operations"))
        self.observer.stop("unseen", 1)
        self.assertEqual(stopped, ["own"])

    def test_every_open_session_with_a_name_is_followed_also_in_the_place_of_one_that_was_closed(self):
        first, tags, told = self.connect(is_stopped=True)
        second, others = type(first)(**vars(first)), set()
        second.is_stopped, second.getTags, second.addTag = False, lambda: set(others), others.add
        self.shell.user_ns.update(s=second, again=second, old=first)
        self.begin()
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual((tags, others), (set(), {"sparkthread-cell-1"}))
        self.assertEqual(told, [self.observer.on_progress, "sparkthread-cell-1"])

    def test_a_session_whose_server_is_away_keeps_no_other_ones_operations_from_being_ended(self):
        def fail(_):
            raise ValueError("away")
        first, _, told = self.connect()
        self.shell.user_ns["again"] = type(first)(**vars(first))
        first.interruptTag = first.interruptOperation = fail
        self.begin()
        self.progress("own")
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(told[1:], ["sparkthread-cell-1", "own"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "operations")

    def test_a_session_whose_client_tries_its_server_for_minutes_keeps_no_other_work_from_being_ended(self):
        back = threading.Event()
        self.addCleanup(back.set)
        first, _, told = self.connect()
        self.shell.user_ns["again"] = type(first)(**vars(first))
        first.interruptTag, first.interruptOperation = lambda _: back.wait(10) or told.append("late"), told.append
        self.begin()
        self.progress("own")
        self.shell.end()
        self.observer.ASKED = 0.05
        spark = self.context()
        spark.add_job(1)
        self.observer.state["last"].context = spark
        self.observer.stop("cell-1", 1)
        self.assertEqual((told[1:], spark.cancelled), (["sparkthread-cell-1", "own"], [1]))
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "operations")

    def test_a_cell_whose_tag_another_version_has_set_ends_no_other_operations_and_says_so(self):
        _, tags, told = self.connect()
        tags.add("sparkthread-cell-unseen")
        self.observer.stop("cell-unseen", 1)
        self.assertEqual(told, ["sparkthread-cell-unseen"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "operations")

    def test_a_session_that_the_cell_itself_has_opened_ends_all(self):
        self.begin()
        _, _, told = self.connect()
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(told, ["all"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "operations")

    def test_with_the_server_in_the_kernels_own_process_its_jobs_are_told_alone_and_both_are_ended(self):
        spark = self.context()
        _, _, told = self.connect(interruptTag=lambda tag: [])
        run = self.begin()
        spark.add_job(1)
        self.progress("own")
        self.clock.now += 2
        self.progress("own")
        self.assertEqual(self.shell.sent, [])
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual((told[1:], spark.cancelled), (["own"], [1]))
        self.assertTrue(run.lasts)

    def test_where_the_client_knows_no_tags_a_stop_ends_all_and_says_so(self):
        _, _, told = self.connect(addTag=None, interruptTag=None, registerProgressHandler=None)
        self.begin()
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(told, ["all"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "all operations")

    def test_where_the_client_knows_nothing_of_the_cells_threads_that_are_at_work_a_stop_ends_all_and_says_so(self):
        _, _, told = self.connect(registerProgressHandler=None)
        self.begin()
        at_work, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=eval, args=("work()", {
            "__name__": "pyspark.sql.connect.client", "work": lambda: (at_work.set(), over.wait(10))}))
        thread.start()
        at_work.wait(10)
        self.shell.end()
        self.observer.stop("cell-1", 1)
        over.set()
        thread.join()
        self.assertEqual(told, ["sparkthread-cell-1", "all"])
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["stopped"], "all operations")
        del told[:]
        self.observer.stop("cell-1", 1)
        self.assertEqual(told, ["sparkthread-cell-1"])

    def progress(self, operation, done=False, thread=None):
        stage = types.SimpleNamespace(num_tasks=8, num_completed_tasks=3)

        def tell():
            self.observer.on_progress(stages=[stage], inflight_tasks=2, operation_id=operation, done=done)
        thread = thread or threading.Thread(target=tell)
        thread.run = tell
        thread.start()
        thread.join()

    def test_a_stop_ends_operations_of_the_cells_threads_also_those_that_are_known_later_and_none_from_before(self):
        _, _, told = self.connect()
        # It has begun before the cell, and asks for something while that runs.
        asks, over = threading.Event(), threading.Event()

        def ask_late():
            asks.wait(10)
            self.observer.on_progress(stages=[types.SimpleNamespace(num_tasks=8, num_completed_tasks=3)], operation_id="early")
            over.set()
        early = threading.Thread(target=ask_late)
        early.start()
        run = self.begin("cell-1")
        asks.set()
        over.wait(10)
        early.join()
        self.assertEqual(self.shell.sent, [])
        self.progress("own")
        self.clock.now += 1
        self.progress("ended", done=True)
        self.progress("own")
        own = threading.Thread(target=lambda: None)
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["jobs"], [2, 1, 0])
        self.shell.end()
        self.observer.stop("cell-1", 1)
        self.assertEqual(told[1:], ["sparkthread-cell-1", "own"])
        sleep, told_before = self.clock.sleep, len(self.shell.sent)

        def know_one(seconds):
            sleep(seconds)
            if own.ident is None:
                self.progress("late", thread=own)
        self.clock.sleep = know_one
        self.observer.keep_interrupting(run, self.observer.connect_sessions())
        self.assertEqual(told[3:], ["late"])
        self.assertEqual(len(self.shell.sent), told_before)

    def test_a_client_that_tries_a_server_again_and_again_is_told_until_it_is_answered(self):
        self.connect()
        sys.modules["pyspark.sql.connect.client"] = types.ModuleType("pyspark.sql.connect.client")
        for module, name in (("retries", "_wait"), ("core", "__iter__")):
            run = self.begin("cell-" + module)
            self.assertIsNone(self.look(run))
            code = "def %s(look):\n    return look()" % name
            names = {"__name__": "pyspark.sql.connect.client." + module}
            exec(code, names)
            data = names[name](lambda: self.look(run))
            self.assertEqual((data["away"], data["jobs"]), (True, [0, 0, 0]))
            self.observer.publish(run, data)
            self.assertEqual(self.look(run)["away"], False)

    def test_a_client_that_tries_to_tell_an_interrupt_to_a_server_that_is_away_is_interrupted_again(self):
        self.connect()
        sys.modules["pyspark.sql.connect.client"] = types.ModuleType("pyspark.sql.connect.client")
        run = self.begin()

        def wait():
            try:
                self.start(lambda: self.observer.end_others(run), "looks")
                threading.Event().wait(10)
            except KeyboardInterrupt:
                return "interrupted"
        names = {"__name__": "pyspark.sql.connect.client.retries"}
        exec("def _wait(wait):\n    return wait()", names)
        self.assertEqual(names["_wait"](wait), "interrupted")

    def test_a_clients_progress_is_told_and_never_raises(self):
        self.connect()
        self.begin()
        stage = types.SimpleNamespace(num_tasks=8, num_completed_tasks=3)
        self.observer.on_progress(stages=[stage], inflight_tasks=2, operation_id="a", done=False, something_new=1)
        # It has not lasted yet.
        self.assertEqual(self.shell.sent, [])
        self.clock.now += 1
        self.observer.on_progress(stages=[stage], inflight_tasks=2, operation_id="a", done=False)
        data = self.shell.sent[-1]["content"]["data"]
        self.assertEqual((data["jobs"], data["tasks"], data["lasts"]), ([1, 0, 0], [8, 3, 2, 0], True))
        bar = types.SimpleNamespace(_started=self.clock.now - 2)

        def notify(self):
            handler(stages=[stage], inflight_tasks=2, operation_id="b", done=False)
        handler = self.observer.on_progress
        self.begin("cell-2")
        notify(bar)
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["lasts"], True)
        skipped = types.SimpleNamespace(num_tasks=8, num_completed_tasks=0)
        self.observer.on_progress(stages=[stage, skipped], operation_id="b", done=True)
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["tasks"], [8, 3, 0, 0])
        self.observer.on_progress(stages=[skipped], operation_id="b", done=True)
        self.assertEqual(self.shell.sent[-1]["content"]["data"]["tasks"], [8, 0, 0, 0])
        self.observer.on_progress(stages=[object()], inflight_tasks=None, operation_id="a", done=False)
        self.observer.on_progress()
        self.assertIn("AttributeError", self.observer.state["error"])


unittest.main()
