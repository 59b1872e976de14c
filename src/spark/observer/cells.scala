// Tells the bot how far the Spark jobs of the running cell are. Scala 2.11 to 2.13, Spark 2.2 to 4. It is one block, so
// that it leaves no names behind. Kernels have no hook for the beginning of a cell, so a thread looks twice a second
// for as long as the kernel lives. read-observer.ts replaces @CELL@ by an expression for the running cell and @SHOW@ by
// one that sends `said`.
if (System.getProperty("sparkthread.observer") != "@VERSION@") {
  System.setProperty("sparkthread.observer", "@VERSION@")
  val thread = new Thread(new Runnable {
    var cell: Option[String] = None
    // Jobs that exist at installation belong to earlier cells.
    var known = org.apache.spark.sql.SparkSession.getDefaultSession.filter(!_.sparkContext.isStopped).toSeq
      .flatMap(_.sparkContext.statusTracker.getJobIdsForGroup(null).toSeq).toSet
    var before = Set.empty[Int]
    var since = Map.empty[Int, Long]
    var begun = 0L
    var lasts = false
    var told = ""

    def run(): Unit =
      while (System.getProperty("sparkthread.observer") == "@VERSION@") {
        Thread.sleep(500)
        // An error here must not affect the cell: a context may end at any moment.
        try for (session <- org.apache.spark.sql.SparkSession.getDefaultSession) if (!session.sparkContext.isStopped) look(session)
        catch { case error if scala.util.control.NonFatal(error) => () }
      }

    def look(session: org.apache.spark.sql.SparkSession): Unit = {
      val tracker = session.sparkContext.statusTracker
      val streams = session.streams.active.toSeq.flatMap(query => tracker.getJobIdsForGroup(query.runId.toString).toSeq)
      val active = tracker.getActiveJobIds.toSet -- streams
      val now = System.currentTimeMillis
      val current: Option[String] = @CELL@
      if (current != cell) {
        cell = current
        before = known
        since = Map.empty
        begun = now - 1000
        lasts = false
        told = ""
      }
      known = tracker.getJobIdsForGroup(null).toSet ++ active -- streams
      val jobs = known -- before
      since = (jobs & active).map(job => job -> since.getOrElse(job, now)).toMap
      lasts = lasts || since.values.exists(now - _ >= 1000)
      if (cell.nonEmpty && lasts) tell(session.sparkContext, jobs, active)
    }

    def tell(context: org.apache.spark.SparkContext, jobs: Set[Int], active: Set[Int]): Unit = {
      val tracker = context.statusTracker
      val infos = jobs.toSeq.sorted.takeRight(200).flatMap(job => tracker.getJobInfo(job))
      def stagesOf(some: org.apache.spark.SparkJobInfo => Boolean) = infos.filter(some).flatMap(_.stageIds.toSeq).toSet
      val open = stagesOf(info => active(info.jobId))
      // Tasks that a failed or stopped job has not done are counted as well.
      val whole = open ++ stagesOf(_.status == org.apache.spark.JobExecutionStatus.FAILED)
      // A stage that an earlier cell has computed is skipped here.
      val stages = infos.flatMap(_.stageIds.toSeq).distinct.flatMap(stage => tracker.getStageInfo(stage))
        .filter(stage => stage.submissionTime == 0 || stage.submissionTime >= begun)
      val tasks = stages.map(stage => if (whole(stage.stageId)) stage.numTasks else stage.numCompletedTasks).sum
      val counts = Seq(tasks, stages.map(_.numCompletedTasks).sum,
        stages.map(stage => if (open(stage.stageId)) stage.numActiveTasks else 0).sum, stages.map(_.numFailedTasks).sum)
      val failed = infos.count(_.status == org.apache.spark.JobExecutionStatus.FAILED)
      val running = jobs & active
      def quoted(text: String) = text.filter(sign => sign >= ' ' && sign != '"' && sign != '\\').mkString("\"", "", "\"")
      def asked(name: String) = context.getConf.getOption("spark." + name).map(quoted).getOrElse("null")
      val reverse = if (context.getConf.getBoolean("spark.ui.reverseProxy", false)) asked("ui.reverseProxyUrl") else "null"
      val yarn = asked("org.apache.hadoop.yarn.server.webproxy.amfilter.AmIpFilter.param.PROXY_URI_BASES")
      val said = "{\"comm_id\":\"sparkthread.spark\",\"data\":{\"jobs\":[" + Seq(jobs.size, jobs.size - running.size, failed).mkString(",") +
        "],\"tasks\":[" + counts.mkString(",") + "],\"job\":" + (if (running.nonEmpty) running.min else jobs.max) +
        ",\"lasts\":true,\"at\":{\"app\":" + quoted(context.applicationId) + ",\"ui\":" + context.uiWebUrl.map(quoted).getOrElse("null") +
        ",\"reverse\":" + reverse + ",\"yarn\":" + yarn + "}}}"
      if (said != told) @SHOW@
      told = said
    }
  }, "sparkthread")
  thread.setDaemon(true)
  thread.start()
}
