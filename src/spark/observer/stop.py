"""The last part of the observer: ending a cell's jobs, and installing the observer in a kernel and removing it."""


def stop(msg_id, seconds):
    """Ends the jobs of the cell with this id, which ran for `seconds`, and no others. For a cell that was not observed
    from its start: the jobs that began in that time and belong to no stream. Publishes what had to be ended."""
    try:
        run = state["last"]
        if run is None or run.id != msg_id:
            run = unseen_run(msg_id, seconds)
        if context() is not None or connect_sessions():
            cancel_waiting(run)
        jobs, ended = end_jobs(run), end_connect(run)
        told = {"v": VERSION, "stopped": jobs if ended == "nothing" else ended}
        publish(run, told, parent=dict(ip.parent_header.get("header", ip.parent_header)))
    except Exception as error:
        state["error"] = repr(error)


def unseen_run(msg_id, seconds):
    run = Run({"msg_id": msg_id}, ip.kernel)
    run.since, run.streams = time.time() - seconds, set(connect_streams())
    sc = run.context = context()
    if sc is None:
        return run
    tracker = Tracker(sc, is_main=True)
    run.users_group = sc.getLocalProperty(GROUP)
    for job in tracker.active():
        stages = [tracker.stage(number) for number in (tracker.job(job) or ("", ()))[1]]
        if any(stage is not None and 0 < stage[1] < run.since for stage in stages):
            run.before.add(job)
    run.streams |= set(streams_of(sc))
    return run


def end_jobs(run):
    sc = context()
    if sc is None or run.context is not sc:
        return "nothing"
    own = [query for stream, query in streams_of(sc).items() if stream not in run.streams]
    ends = [start(lambda query=query: end_stream(query), "sparkthread-stop") for query in own]
    # Spark waits for ever for a batch that hangs; its jobs are cancelled all the same.
    for end in ends:
        end.join(STREAM_STOPS / len(ends))
    found = cancel(run, Tracker(sc, is_main=True))
    if is_pinned(sc):
        start(lambda: keep_cancelling(run, sc), "sparkthread-stop")
    return "jobs" if found or own else "nothing"


def end_stream(query):
    """A stream whose job alone is cancelled would fail, or start its next batch later."""
    try:
        query.stop()
    except Exception as error:
        state["error"] = repr(error)


def cancel(run, tracker):
    """Whether there was anything to cancel. Cancels job by job: for a group without active jobs Spark warns on the
    user's stderr."""
    active = find_jobs(run, tracker)
    for job in active:
        tracker.cancel(job)
    return bool(active)


def end_others(run):
    """An interrupt reaches only the cell's own thread, which may wait for others, such as those of a pool: ends their work,
    until the cell ends. PySpark may catch the interrupt and wait for its job (toPandas with Arrow). In another call of Spark the
    cell is cleaning up: then only the jobs from before the interrupt are ended."""
    if is_away(run):
        # Spark Connect 4 has caught the interrupt, and tries for minutes to tell it to a server that is away.
        return os.kill(os.getpid(), signal.SIGINT)
    sc = context()
    tracker = Tracker(sc) if sc is not None and run.context is sc else None
    call = spark_call(sys._current_frames().get(run.thread))
    if call is not None and call is not run.call:
        for job in tracker.active() & run.called if tracker else ():
            tracker.cancel(job)
        return
    cancel_waiting(run)
    if tracker:
        cancel(run, tracker)
    interrupt(run, connect_sessions())


def cancel_waiting(run):
    """What waits in a ThreadPoolExecutor of the cell would submit further jobs."""
    queues = getattr(sys.modules.get("concurrent.futures.thread"), "_threads_queues", {})
    for thread, waiting in list(queues.items()):
        if thread not in run.strangers and not thread.name.startswith("asyncio"):
            attempt(cancel_all, waiting)


def cancel_all(waiting):
    """All goes back into the queue: the pool's threads tell those who wait for a future that it is cancelled, and what has
    no future tells the threads to end."""
    for _ in range(waiting.qsize()):
        item = waiting.get_nowait()
        future = getattr(item, "future", None)
        if future is not None:
            future.cancel()
        waiting.put(item)


def keep_cancelling(run, sc):
    """A thread of the cell may still submit jobs for a while."""
    until = time.time() + STOPPING
    quiet_until = time.time() + QUIET
    try:
        while time.time() < min(until, quiet_until) and context() is sc and state["run"] is None:
            time.sleep(0.1)
            if cancel(run, Tracker(sc)):
                quiet_until = time.time() + QUIET
    except Exception as error:
        state["error"] = repr(error)


def end_connect(run):
    """Ends the cell's streams and the operations with its tag; all operations of a session that has no tags or that the cell
    has opened itself."""
    tag, sessions, ended = PREFIX + run.id, connect_sessions(), "nothing"
    for query in [query for stream, query in connect_streams().items() if stream not in run.streams]:
        ended = "operations" if asked(lambda query=query: query.stop() is None) else ended
    tagged = [session for session in sessions if hasattr(session, "interruptTag") and tag in session.getTags()]
    for session in tagged:
        found = asked(session.interruptTag, tag)
        if found is None:
            sessions = [other for other in sessions if other is not session]
        ended = "operations" if found else ended
    if sessions:
        ended = "operations" if interrupt(run, sessions) else ended
        start(lambda: keep_interrupting(run, sessions), "sparkthread-stop")
    are_unknown = are_threads_at_work(run)
    for session in sessions:
        # PySpark 3.5 neither gives the tag to other threads nor reports what they do.
        is_blind = are_unknown and not hasattr(session, "registerProgressHandler")
        is_tagged = any(session is other for other in tagged) and not is_blind
        # The last, and on this thread: a call that went on behind a later cell would end that cell's operations.
        if not is_tagged and attempt(getattr(session, "interruptAll", list)):
            is_all = is_blind or not hasattr(session, "interruptTag") or run is not state["last"]
            ended = "all operations" if is_all else ended if ended != "nothing" else "operations"
    return ended


def are_threads_at_work(run):
    """Whether a thread that the cell has started is in Spark's code."""
    frames, own = sys._current_frames(), set(threading.enumerate()) - run.strangers - set([threading.current_thread()])
    return any(is_in_spark(frames.get(thread.ident)) for thread in own if not thread.name.startswith("sparkthread"))


def interrupt(run, sessions):
    """Interrupts operations of the cell's other threads, which lack its tag; returns those that were interrupted."""
    found = [(name, known) for name, known in list(run.operations.items())
             if name and not known["done"] and not known["stopped"]]
    for name, known in found:
        known["stopped"] = True
        for session in sessions:
            if hasattr(session, "interruptOperation"):
                asked(session.interruptOperation, name)
    return found


def asked(*call):
    """The result of the call; None if it fails or gives none soon. The client of a server that is away tries for minutes,
    and must not keep the work of others running."""
    found = []
    start(lambda: found.append(attempt(*call)), "sparkthread-ask").join(ASKED)
    return found[0] if found else None


def attempt(interrupt_session, *what):
    try:
        return interrupt_session(*what)
    except Exception as error:
        state["error"] = repr(error)
        return None


def keep_interrupting(run, sessions):
    """An operation of a thread is known once the server has reported it, some seconds after its beginning."""
    until = time.time() + STOPPING
    try:
        while time.time() < until:
            time.sleep(0.1)
            interrupt(run, sessions)
    except Exception as error:
        state["error"] = repr(error)


def install(module):
    """Replaces another version that is installed."""
    earlier = sys.modules.get(__name__)
    if earlier is not None:
        earlier.uninstall()
    sys.modules[__name__] = module
    state["threads"] = set(threading.enumerate())
    for logger in (logging.getLogger(), logging.getLogger("py4j")):
        logger.addFilter(muted)
    ip.events.register("pre_run_cell", before)
    ip.events.register("post_run_cell", after)


def uninstall():
    for logger in (logging.getLogger(), logging.getLogger("py4j")):
        logger.removeFilter(muted)
    for event, callback in (("pre_run_cell", before), ("post_run_cell", after)):
        try:
            ip.events.unregister(event, callback)
        except ValueError:
            pass
    sc = context()
    if sc is not None and (sc.getLocalProperty(GROUP) or "").startswith(PREFIX):
        sc.setLocalProperty(GROUP, None)
