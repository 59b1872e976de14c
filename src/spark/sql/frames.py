"""What has IPython show DataFrames as tables: the second part of tables.py, in its namespace."""

# Spark's own and Spark Connect's; others (Spark 4) inherit from these.
FRAMES = ("pyspark.sql.dataframe.DataFrame", "pyspark.sql.connect.dataframe.DataFrame")


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


def install(shell, asked_rows, result_rows, version):
    """Shows frames as tables: so many rows where display() asks for it, and so many (0: none) of a cell's result.

    In the place of IPython's own method, because what fails in a formatter that is registered fails no cell.
    """
    formatter = shell.display_formatter
    # Below what an earlier version of this has put there.
    theirs = getattr(formatter.format, "theirs", formatter.format)

    def format(thing, include=None, exclude=None):
        is_result = sys._getframe(1).f_code.co_name == "compute_format_data"
        rows = result_rows if is_result else asked_rows
        is_ours = rows > 0 and is_frame(thing) and not has_form(formatter, thing)
        if not is_ours or include or exclude or not thing.columns:
            return theirs(thing, include=include, exclude=exclude)
        table = read(thing, rows)
        table["csv"] = table["cut"] and not is_result
        return forms(table), {}

    format.theirs, format.version = theirs, version
    formatter.format = format
