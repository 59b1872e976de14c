"""Shows Spark's data as tables of Sparkthread. Runs in Python kernels from 2.7 on, in a namespace of its own."""

import itertools
import json
import re
import sys

MIME = "application/vnd.sparkthread.table+json"
# Limits of one message: gateways limit the bytes per second, and nobody reads more in a chat.
MOST_CHARS = 2000000
MOST_CELL_CHARS = 10000
MOST_ERROR_CHARS = 20000

# The same as in split-statements.ts.
TOKEN = re.compile(
    r"--(?:\\\n|[^\n])*|/\*"
    r"|[rR](?:'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z))"
    r"|'(?:[^'\\]|\\[\s\S])*(?:'|\\?\Z)|\"(?:[^\"\\]|\\[\s\S])*(?:\"|\\?\Z)"
    r"|`[^`]*(?:`|\Z)"
    r"|\$([A-Za-z_]\w*|)\$[\s\S]*?(?:\$\1\$|\Z)"
    r"|\w+|\s+|[\s\S]"
)
COMMENT_MARK = re.compile(r"/\*|\*/")

unicode_text = type(u"")


def tokens(sql):
    at = 0
    while at < len(sql):
        token = TOKEN.match(sql, at).group()
        start, at = at, at + len(token)
        if token == "/*":
            depth, end = 1, at
            while depth > 0:
                mark = COMMENT_MARK.search(sql, end)
                if mark is None:
                    yield token, start
                    return
                depth += 1 if mark.group() == "/*" else -1
                end = mark.end()
            at = end
        elif not token.startswith("--") and token.strip():
            yield token, start


class Blocks(object):
    """How deeply a statement is nested in blocks of a script, which begins with BEGIN, possibly after a label. Columns may
    be called BEGIN and END."""

    def __init__(self):
        self.depth = self.cases = 0
        self.first = []
        self.previous = ""
        self.after_end = self.is_handler = False

    def take(self, token):
        is_name = self.previous in (".", "AS")
        word = "" if is_name or len(token) > 10 else token.upper()
        if len(self.first) < 3:
            self.first.append(word)
        is_first = len(self.first) == 1 or (len(self.first) == 3 and self.first[1] == ":")
        may_begin = self.previous in (";", ":", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT") or self.is_handler
        if self.after_end and word in ("IF", "WHILE", "LOOP", "REPEAT", "FOR"):
            self.depth += 1
        is_case = word == "CASE" and self.depth > 0 and not self.after_end
        if is_case or word == "BEGIN" and (is_first or self.depth > 0 and may_begin):
            self.depth += 1
        closes = word == "END" and self.depth > 0 and (self.cases > 0 or self.previous in (";", "BEGIN"))
        if closes:
            self.depth -= 1
        if is_case:
            self.cases += 1
        elif closes and self.cases > 0:
            self.cases -= 1
        elif word == ";":
            self.cases = 0
        self.is_handler = word == "HANDLER" or (self.is_handler and word not in (";", "BEGIN"))
        self.after_end = closes
        self.previous = word


def split(sql):
    """[(statement, line, column)], in order; line and column from 1."""
    found, begin, blocks = [], None, Blocks()
    line_start, counted, line = 0, 0, 1
    for token, at in itertools.chain(tokens(sql), [(";", len(sql))]):
        is_last = at == len(sql)
        if not is_last and (token != ";" or blocks.depth > 0):
            begin = at if begin is None else begin
            blocks.take(token)
            continue
        if begin is not None:
            line += sql.count("\n", counted, begin)
            line_start = max(line_start, sql.rfind("\n", counted, begin) + 1)
            counted = begin
            found.append((sql[begin:at].rstrip(), line, begin - line_start + 1))
        begin, blocks = None, Blocks()
    return found or [(sql, 1, 1)]


class Failed(Exception):
    """An error that is shown without a traceback, because none of its frames is the author's."""

    def _render_traceback_(self):
        return [unicode_text(self)]


def failure(error, line, column):
    """An error of Spark under its own name, with the statement that caused it."""
    said = getattr(error, "desc", None) or getattr(error, "_desc", None)
    if not isinstance(said, (str, unicode_text)) or not said.strip():
        try:
            said = unicode_text(error)
        except UnicodeError:
            said = repr(error)
    kind = type(type(error).__name__, (Failed,), {})
    return kind(u"In the SQL statement at line %d, column %d:\n%s" % (line, column, said[:MOST_ERROR_CHARS]))


def stopped(session):
    context = getattr(session, "_sc", None)
    # A Spark Connect session says so itself.
    return getattr(session, "is_stopped", False) is True or context is not None and getattr(context, "_jsc", True) is None


def find_session(names):
    """The user's session, by its usual name or another; otherwise the active one, otherwise a new one."""
    known = [names[name] for name in ("spark", "sqlContext") if callable(getattr(names.get(name), "sql", None))]
    known += [thing for name, thing in list(names.items()) if type(thing).__name__ == "SparkSession" and name[0] != "_"]
    for session in known:
        if not stopped(session):
            return session
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Failed("This kernel has no Spark session, and PySpark is not installed where it runs.")
    active = getattr(SparkSession, "_instantiatedSession", None)
    if known and (active is None or stopped(active)):
        # The user has stopped it. Spark reports that, and no second context is started behind the user's back.
        return known[0]
    return SparkSession.builder.getOrCreate()


def run_sql(names, text, most):
    """Runs the statements of a text in order and shows the last result, at most `most` rows of it."""
    session = last = None
    for statement, line, column in split(text):
        try:
            session = session or find_session(names)
            frame = session.sql(statement)
            if frame.columns:
                last = read(frame, most)
        except Exception as error:
            raise failure(error, line, column)
    if last is None:
        publish({"text/plain": "Done"})
    else:
        last["csv"] = last["cut"]
        show(last)


def read(frame, most):
    """A frame as texts: {"columns", "rows", "cut", "cutCells"}. For a stream, which has no rows to show, its schema."""
    if getattr(frame, "isStreaming", False):
        fields = [[field.name, field.dataType.simpleString(), text_of(field.nullable)] for field in frame.schema.fields]
        return bounded(["column", "type", "nullable"], fields, len(fields))
    rows = as_texts(frame).limit(most + 1).collect()
    return bounded(frame.columns, ([text_of(value) for value in row] for row in rows), most)


def as_texts(frame):
    """Lets Spark convert the values to text if it can: it uses the session's time zone, and has types that Python lacks."""
    fields = frame.schema.fields
    names = ["_%d" % index for index in range(len(fields))]
    forms = [form_of(field.dataType) for field in fields]
    try:
        session = getattr(frame, "sparkSession", None)
        # Spark 2 converts arrays, maps and structs to their memory address.
        if session is None or int(session.version.split(".")[0]) < 3:
            return frame
        texts = frame.toDF(*names).selectExpr(*[form % name for form, name in zip(forms, names)])
        return texts if texts.columns else frame
    except Exception:
        return frame


def form_of(kind):
    if kind.typeName() == "binary":
        return "concat('0x', hex(%s))"
    # Spark takes bytes inside another value for text.
    return "%s" if "binary" in kind.simpleString() else "cast(%s as string)"


def text_of(value, null="NULL"):
    """The text that Spark would write, with bytes in hexadecimal."""
    if value is None:
        return null
    if value is True or value is False:
        return "true" if value else "false"
    # In Python 2 `bytes` is the type of texts.
    if isinstance(value, bytearray) or bytes is not str and isinstance(value, bytes):
        return "0x" + "".join("%02X" % byte for byte in value)
    if isinstance(value, dict):
        pairs = [u"%s -> %s" % (text_of(key), text_of(each, "null")) for key, each in value.items()]
        return u"{%s}" % ", ".join(pairs)
    if isinstance(value, (list, tuple)):
        listed = ", ".join(text_of(each, "null") for each in value)
        return (u"[%s]" if isinstance(value, list) else u"{%s}") % listed
    return value if isinstance(value, unicode_text) else unicode_text(value)


def bounded(columns, rows, most):
    shown, room, cut, cut_cells = [], MOST_CHARS, False, False
    for row in rows:
        cut_cells = cut_cells or any(len(cell) > MOST_CELL_CHARS for cell in row)
        cells = [cell if len(cell) <= MOST_CELL_CHARS else cell[:MOST_CELL_CHARS] + u"\u2026" for cell in row]
        room -= len(json.dumps(cells))
        if len(shown) == most or (room < 0 and shown):
            cut = True
            break
        shown.append(cells)
    return {"columns": list(columns), "rows": shown, "cut": cut, "cutCells": cut_cells}


def show(table):
    publish(forms(table))


def forms(table):
    size = "%d rows, %d columns" % (len(table["rows"]), len(table["columns"]))
    return {MIME: json.dumps(table), "text/plain": "first " + size if table["cut"] else size}


def publish(data):
    from IPython.display import publish_display_data

    publish_display_data(data)
