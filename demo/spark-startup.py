"""PYTHONSTARTUP of the Spark kernel: `spark`, `sc`, `sql` and `sqlContext`, as pyspark's shell defines them, without its banner."""

import contextlib
import io

with contextlib.redirect_stdout(io.StringIO()):
    from pyspark.shell import sc, spark, sql, sqlContext

del contextlib, io
