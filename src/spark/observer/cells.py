"""The second part of the observer: what it tells the bot about a running cell."""


def tell(run, begun, ended, failed, tasks, job=None):
    address = state["address"][1] if state["address"] is not None else None
    return {"v": VERSION, "jobs": [begun, ended, failed], "tasks": tasks, "job": job, "lasts": run.lasts, "at": address}


def address_of(sc):
    """What Spark says about the address of its UI; the bot decides whether a browser can open it."""
    if state["address"] is None or state["address"][0] is not sc:
        conf = sc._conf

        def ask(name):
            return conf.get("spark." + name, None)
        yarn = "org.apache.hadoop.yarn.server.webproxy.amfilter.AmIpFilter.param.PROXY_URI_BASES"
        state["address"] = (sc, {
            "app": sc.applicationId, "ui": sc.uiWebUrl, "yarn": ask(yarn),
            "reverse": ask("ui.reverseProxyUrl") if ask("ui.reverseProxy") == "true" else None})
    return state["address"][1]


def tell_operations(run, **more):
    all_ = list(run.operations.values())
    tasks = [sum(each["counts"][n] for each in all_) for n in (0, 1)] + [sum(each["active"] for each in all_), 0]
    return dict(tell(run, len(all_), len([each for each in all_ if each["done"]]), 0, tasks), **more)


def tell_away(run):
    away = is_away(run)
    return tell_operations(run, away=away) if away or (run.said or {}).get("away") else None


def is_away(run):
    """Whether the cell's thread waits to call a Spark Connect server once more: its client does so for minutes, and says nothing."""
    frame, depth = sys._current_frames().get(run.thread) if "pyspark.sql.connect.client" in sys.modules else None, 0
    while frame is not None and depth < DEPTH:
        is_clients = str(frame.f_globals.get("__name__")).startswith("pyspark.sql.connect.client")
        # Of the class Retrying: 4.0's, and 3.5's.
        if is_clients and frame.f_code.co_name in ("_wait", "__iter__"):
            return True
        frame, depth = frame.f_back, depth + 1
    return False


def publish(run, data, parent=None):
    """Sends directly, because the display publisher would flush the user's streams. The message has an id of its own:
    the kernel numbers its ids, and the bot proves by them that no message was lost."""
    if data == run.said and time.time() - run.said_at < AGAIN:
        return
    run.said, run.said_at = data, time.time()
    kernel = run.kernel
    header = {"msg_id": str(uuid.uuid4()), "msg_type": "comm_msg", "username": "sparkthread",
              "session": kernel.session.session, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "version": "5.3"}
    kernel.session.send(kernel.iopub_socket, {
        "header": header, "msg_id": header["msg_id"], "msg_type": "comm_msg", "parent_header": parent or run.parent,
        "metadata": {}, "content": {"comm_id": COMM, "data": data}}, ident=b"comm-" + COMM.encode("ascii"))


class Muted(logging.Filter):
    """Silences py4j for our threads: it logs on the root logger, which is the user's."""

    def filter(self, record):
        return not record.threadName.startswith("sparkthread")


muted = Muted()


def observe(run):
    """Looks at one cell until it ends. The last look belongs to the cell, so that its totals are complete."""
    while not run.is_off:
        pause = min(MOST, max(LEAST, (time.time() - run.since) / 20)) if run.lasts else SOON
        for _ in range(int(pause / SOON)):
            if run.end.wait(SOON) or run.is_interrupted:
                break
        is_over = run.end.is_set()
        if is_over and not run.jobs:
            break
        try:
            if run.is_interrupted and not is_over:
                end_others(run)
            data = look(run)
            if data is not None and (run.lasts or is_over or run.is_crowded or "away" in data):
                publish(run, data)
        except Exception as error:
            state["error"], run.is_off = repr(error), True
        if is_over:
            break
    run.done.set()


def loop():
    while True:
        wake.wait()
        wake.clear()
        run = state["run"]
        if run is not None:
            observe(run)


def connect_sessions():
    """The open Spark Connect sessions: the client's default session, which may be a closed one, and those in the user's
    variables."""
    kind = getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)
    if kind is None:
        return []
    found = [getattr(kind, "_default_session", None)] + named(kind)
    return [session for at, session in enumerate(found) if session is not None
            and not getattr(session, "is_stopped", False) and not any(session is other for other in found[:at])]


def connect_streams():
    """Spark Connect's streaming queries in the user's variables, by run id. The server could tell all, at a call for each cell."""
    kind = getattr(sys.modules.get("pyspark.sql.connect.streaming.query"), "StreamingQuery", None)
    return {} if kind is None else dict((query.runId, query) for query in named(kind))


def named(kind):
    return [value for value in list(ip.user_ns.values()) if issubclass(type(value), kind)]


def follow_connect(run):
    """The client (4.0 and later) reports progress on the user's own thread; its operations carry a tag (3.5 and later)."""
    run.streams |= set(connect_streams())
    for session in connect_sessions():
        if hasattr(session, "addTag"):
            for tag in [tag for tag in session.getTags() if tag.startswith(PREFIX)]:
                session.removeTag(tag)
            session.addTag(PREFIX + run.id)
        if hasattr(session, "registerProgressHandler"):
            # The client ignores a handler that is registered already.
            session.registerProgressHandler(on_progress)


def owner():
    """The running cell or the previous one, whichever this thread belongs to."""
    thread = threading.current_thread()
    for run in (state["run"], state["last"]):
        if run is not None and thread not in run.strangers:
            return run
    return None


def on_progress(stages=None, inflight_tasks=0, operation_id=None, done=False, **_):
    try:
        run = owner()
        if run is None or run.is_off or not stages:
            return
        if done:
            # If any stage did work, those without completed tasks were skipped.
            stages = [stage for stage in stages if stage.num_completed_tasks] or stages
        counts = [sum(s.num_tasks for s in stages), sum(s.num_completed_tasks for s in stages)]
        now = time.time()
        # The client's own progress bar knows when the operation began; the server reports only every two seconds.
        begun = getattr(sys._getframe(1).f_locals.get("self"), "_started", now)
        known = run.operations.setdefault(operation_id, {"told": 0, "stopped": False, "begun": begun})
        known.update(counts=counts, active=0 if done else int(inflight_tasks), done=bool(done))
        run.lasts = run.lasts or now - known["begun"] >= LASTS
        # If the server runs within this process, its jobs are seen directly.
        is_told = run is state["run"] and run.lasts and context() is None
        if not is_told or (not done and now - known["told"] < LEAST):
            return
        known["told"] = now
        publish(run, tell_operations(run))
    except Exception as error:
        state["error"] = repr(error)


def before(*_):
    try:
        parent = ip.parent_header
        run = Run(dict(parent.get("header", parent)), ip.kernel)
        sc = context()
        if sc is not None:
            join_context(run, sc)
        follow_connect(run)
        if sc is not None or "pyspark.sql.connect.client" in sys.modules:
            notice_interrupts(run)
        state["run"] = run
        if state["thread"] is None or not state["thread"].is_alive():
            state["thread"] = start(loop, "sparkthread")
        wake.set()
    except Exception as error:
        state["run"], state["error"] = None, repr(error)


class Handler(object):
    """Notes an interrupt and is otherwise the kernel's own handler. It may be called at any moment, so it takes no lock. It has
    no frame when the kernel's raises KeyboardInterrupt: a traceback has the user's code alone."""

    def __init__(self, run):
        self.run = run

    @property
    def __call__(self):
        self.run.is_interrupted, self.run.call = True, spark_call(sys._getframe(1))
        return self.run.theirs


def notice_interrupts(run):
    run.theirs = signal.getsignal(signal.SIGINT)
    if callable(run.theirs):
        try:
            handler = Handler(run)
            signal.signal(signal.SIGINT, handler)
            run.handler = handler
        except ValueError:
            pass  # Only a process's main thread may, and some kernels run cells on another.


def join_context(run, sc):
    run.context = sc
    run.has_strangers = bool(strangers_of(run))
    address_of(sc)
    group = sc.getLocalProperty(GROUP)
    if group is not None and not group.startswith(PREFIX):
        run.users_group = group
    elif is_pinned(sc) or not run.has_strangers:
        run.group = PREFIX + run.id
        sc.setLocalProperty(GROUP, run.group)
        state["groups"] = (state["groups"] + [run.group])[-GROUPS:]
    active = sc._jsc.statusTracker().getActiveJobIds()
    if len(active) > 0:
        run.before = set(int(job) for job in active)
    run.streams = set(streams_of(sc))


def after(*_):
    run, state["run"] = state["run"], None
    if run is None:
        return
    state["last"], run.call = run, None
    if run.handler is not None and signal.getsignal(signal.SIGINT) is run.handler:
        signal.signal(signal.SIGINT, run.theirs)
    run.end.set()
    if run.jobs and not run.is_off:
        run.done.wait(LAST_LOOK)


def start(target, name):
    thread = threading.Thread(target=target, name=name)
    thread.daemon = True
    thread.start()
    return thread
