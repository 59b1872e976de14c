"""What has IPython show DataFrames as tables and know %%sql: the second part of tables.py, in its namespace."""

import collections
import uuid

# Spark's own and Spark Connect's; others (Spark 4) inherit from these.
FRAMES = ("pyspark.sql.dataframe.DataFrame", "pyspark.sql.connect.dataframe.DataFrame")
# Frames of which more rows can be asked for later, the latest.
KEPT = 50


def is_frame(thing):
    classes = getattr(type(thing), "__mro__", ())
    return any("%s.%s" % (kind.__module__, kind.__name__) in FRAMES for kind in classes)


def has_form(formatter, thing):
    """Whether somebody has told IPython how things of this type are shown."""
    for each in [formatter.ipython_display_formatter] + list(formatter.formatters.values()):
        try:
            each.lookup(thing)
            return True
        except KeyError:
            pass
    return False


def keep(kept, frame):
    """A name for it; the oldest frame is forgotten."""
    name = uuid.uuid4().hex[:8]
    kept[name] = frame
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return name


def install(shell, asked_rows, result_rows, version):
    """Shows frames as tables: so many rows where display() or %%sql asks for it, and so many (0: none) of a cell's result.

    In the place of IPython's own method, because what fails in a formatter that is registered fails no cell.
    """
    formatter = shell.display_formatter
    # Below what an earlier version of this has put there.
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
        """The rows of a result that was cut, as many as display() shows, and all of these as a file."""
        if name not in kept:
            raise Failed("This table is not in the kernel any more. Run its code again.")
        table = read(kept[name], asked_rows)
        table["csv"] = True
        show(table)

    format.theirs, format.version, format.all_rows = theirs, version, all_rows
    formatter.format = format

    def sql(line, cell):
        """Spark SQL: runs the statements in order and shows the rows of the last one."""
        # The places in its errors are places in what is typed.
        run_sql(shell.user_ns, u" " * len("%%sql ") + line + u"\n" + cell, asked_rows)

    known = shell.find_cell_magic("sql")
    # An earlier one of ours may show another number of rows.
    if known is None or getattr(known, "__module__", "") == sql.__module__:
        shell.register_magic_function(sql, "cell", "sql")
