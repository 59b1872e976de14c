"""Makes IPython show DataFrames as tables and know %%sql: the second part of tables.py, in its namespace."""

import collections
import uuid

# Spark's and Spark Connect's classes; others (Spark 4) inherit from these.
FRAMES = ("pyspark.sql.dataframe.DataFrame", "pyspark.sql.connect.dataframe.DataFrame")
# How many recent frames are kept, so that more of their rows can be requested.
KEPT = 50


def is_frame(thing):
    classes = getattr(type(thing), "__mro__", ())
    return any("%s.%s" % (kind.__module__, kind.__name__) in FRAMES for kind in classes)


def has_form(formatter, thing):
    """Whether IPython has a formatter for things of this type."""
    for each in [formatter.ipython_display_formatter] + list(formatter.formatters.values()):
        try:
            each.lookup(thing)
            return True
        except KeyError:
            pass
    return False


def keep(kept, frame):
    """Keeps a frame under a new name; the oldest one is forgotten."""
    name = uuid.uuid4().hex[:8]
    kept[name] = frame
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return name


def install(shell, asked_rows, result_rows, version):
    """Shows frames as tables: `asked_rows` rows for display() and %%sql, `result_rows` (0: none) for a cell's result.
    Replaces IPython's own method, because an error in a registered formatter does not fail the cell."""
    formatter = shell.display_formatter
    # The original method, below an earlier version of this one.
    theirs = getattr(formatter.format, "theirs", formatter.format)
    kept = collections.OrderedDict()

    def format(thing, include=None, exclude=None):
        is_result = sys._getframe(1).f_code.co_name == "compute_format_data"
        rows = result_rows if is_result else asked_rows
        is_ours = rows > 0 and is_frame(thing) and not has_form(formatter, thing)
        if not is_ours or include or exclude or not thing.columns:
            return theirs(thing, include=include, exclude=exclude)
        table = read(thing, rows)
        if table["cut"] and len(table["rows"]) == rows < asked_rows:
            table["frame"] = keep(kept, thing)
        else:
            table["csv"] = table["cut"]
        return forms(table), {}

    def all_rows(name):
        """Shows more rows of a cut result: as many as display() shows, all of them also as a file."""
        if name not in kept:
            raise Failed("This table is not in the kernel any more. Run its code again.")
        table = read(kept[name], asked_rows)
        table["csv"] = True
        show(table)

    format.theirs, format.version, format.all_rows = theirs, version, all_rows
    formatter.format = format

    def sql(line, cell):
        """Spark SQL: runs the statements in order and shows the rows of the last one."""
        # Keeps the positions in error messages those of the typed text.
        run_sql(shell.user_ns, u" " * len("%%sql ") + line + u"\n" + cell, asked_rows)

    known = shell.find_cell_magic("sql")
    # An earlier version of this magic may show another number of rows.
    if known is None or getattr(known, "__module__", "") == sql.__module__:
        shell.register_magic_function(sql, "cell", "sql")
