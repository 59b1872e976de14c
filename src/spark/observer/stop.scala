// For a kernel whose interrupt does not stop Spark jobs (almond): ends those that began in the last @MS@ ms and belong
// to no stream. Toree's interrupt ends every job. It is one block, so that it leaves no names behind.
for (session <- org.apache.spark.sql.SparkSession.getDefaultSession if !session.sparkContext.isStopped) {
  val begun = System.currentTimeMillis - @MS@
  val tracker = session.sparkContext.statusTracker
  val streams = session.streams.active.toSeq.flatMap(query => tracker.getJobIdsForGroup(query.runId.toString).toSeq)
  for (job <- tracker.getActiveJobIds.toSet -- streams) {
    val stages = tracker.getJobInfo(job).toSeq.flatMap(_.stageIds.toSeq).flatMap(stage => tracker.getStageInfo(stage))
    val isEarlier = stages.exists(stage => stage.submissionTime > 0 && stage.submissionTime < begun)
    if (!isEarlier) session.sparkContext.cancelJob(job)
  }
}
