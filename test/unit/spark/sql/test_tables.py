"""Tests of tables.py on the Python here; split-statements.test.ts puts the same texts to its twin."""

import io
import json
import os
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = [os.path.join(HERE, "../../../../src/spark/sql", name) for name in ("tables.py", "frames.py")]
SOURCE = "\n\n".join(io.open(part, encoding="utf-8").read() for part in PARTS)


def load(published):
    """The helper as a kernel gets it, with an IPython that keeps what is published."""
    display = types.ModuleType("IPython.display")
    display.publish_display_data = published.append
    sys.modules["IPython"] = types.ModuleType("IPython")
    sys.modules["IPython.display"] = display
    module = {"__name__": "sparkthread_tables"}
    exec(compile(SOURCE, "<sparkthread>", "exec"), module)
    return module


class Field(object):
    def __init__(self, name, kind):
        self.name, self.nullable, self.dataType = name, True, self
        self.kind = kind

    def typeName(self):
        return self.kind

    simpleString = typeName


class Frame(object):
    """So much of a DataFrame as is asked for; keeps how many rows were fetched and how."""

    def __init__(self, columns, rows, streaming=False, version="2.4.8", kinds=None):
        self.columns, self.rows, self.isStreaming = columns, rows, streaming
        self.sparkSession = types.SimpleNamespace(version=version)
        self.schema = types.SimpleNamespace(
            fields=[Field(name, kind) for name, kind in zip(columns, kinds or ["bigint"] * len(columns))]
        )
        self.fetched, self.forms = [], []

    def limit(self, count):
        self.fetched.append(count)
        return types.SimpleNamespace(collect=lambda: list(self.rows[:count]))

    def toDF(self, *names):
        return self

    def selectExpr(self, *forms):
        self.forms.extend(forms)
        return self


class Session(object):
    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def sql(self, text):
        self.asked.append(text)
        answer = self.answers[text]
        if isinstance(answer, Exception):
            raise answer
        return answer


class AnalysisException(Exception):
    desc = "Table or view not found: nope; line 1 pos 14;\n'Project [*]"


class SparkFrame(Frame):
    __module__ = "pyspark.sql.dataframe"


SparkFrame.__name__ = "DataFrame"


class Classic(SparkFrame):
    """As Spark 4 has them: the class that people know is above."""


class Formatter(object):
    """Which types somebody has told IPython about."""

    def __init__(self, *known):
        self.known = known

    def lookup(self, thing):
        for kind in self.known:
            if isinstance(thing, kind):
                return kind
        raise KeyError(thing)


class DisplayFormatter(object):
    def __init__(self):
        self.ipython_display_formatter, self.formatters = Formatter(), {"text/plain": Formatter(int), "text/html": Formatter()}

    def format(self, thing, include=None, exclude=None):
        return {"text/plain": "theirs"}, {"include": include, "exclude": exclude}


class Shell(object):
    def __init__(self):
        self.display_formatter = DisplayFormatter()
        self.magics, self.user_ns = {}, {}

    def find_cell_magic(self, name):
        return self.magics.get(name, (None, None))[1]

    def register_magic_function(self, function, kind, name):
        self.magics[name] = (kind, function)

    def display(self, thing, **more):
        return self.display_formatter.format(thing, **more)

    def compute_format_data(self, thing):
        """The caller by which a cell's result is known."""
        return self.display_formatter.format(thing)


class SplitTest(unittest.TestCase):
    def test_statements(self):
        split = load([])["split"]
        with io.open(os.path.join(HERE, "statements.json"), encoding="utf-8") as file:
            for case in json.load(file):
                if not case.get("utf16"):
                    self.assertEqual([list(found) for found in split(case["sql"])], case["found"], case["what"])

    def test_long(self):
        split = load([])["split"]
        for text in ("\\'" * 200000, "select 1;\n" * 60000, "/* " * 200000, "$a$b" * 150000):
            self.assertTrue(split(text))


class RunTest(unittest.TestCase):
    def setUp(self):
        self.published = []
        self.module = load(self.published)

    def run_sql(self, text, answers, most=1000):
        session = Session(answers)
        self.module["run_sql"]({"spark": session}, text, most)
        return session

    def table(self):
        self.assertEqual(len(self.published), 1)
        return json.loads(self.published[0][self.module["MIME"]])

    def test_last_result_in_order(self):
        nothing = Frame([], [])
        session = self.run_sql("use a; select 1; drop b", {"use a": nothing, "select 1": Frame(["1"], [(1,)]), "drop b": nothing})
        self.assertEqual(session.asked, ["use a", "select 1", "drop b"])
        self.assertEqual(self.table(), {"columns": ["1"], "rows": [["1"]], "cut": False, "cutCells": False, "csv": False})

    def test_nothing_to_show(self):
        self.run_sql("use a", {"use a": Frame([], [])})
        self.assertEqual(self.published, [{"text/plain": "Done"}])

    def test_one_row_more_is_fetched(self):
        frame = Frame(["n"], [(n,) for n in range(5000)])
        self.run_sql("select n", {"select n": frame})
        table = self.table()
        self.assertEqual((frame.fetched, len(table["rows"]), table["cut"], table["csv"]), ([1001], 1000, True, True))

    def test_no_row_more(self):
        self.run_sql("select n", {"select n": Frame(["n"], [(n,) for n in range(1000)])})
        self.assertEqual((len(self.table()["rows"]), self.table()["cut"]), (1000, False))

    def test_values(self):
        self.run_sql("q", {"q": Frame(list("abcde"), [(None, True, bytearray(b"\x01\xff"), u"\xfc", 1.5)])})
        self.assertEqual(self.table()["rows"], [["NULL", "true", "0x01FF", u"\xfc", "1.5"]])

    def test_spark_writes_values_itself(self):
        frame = Frame(["a", "a"], [("x", "0x1F")], version="4.3.0", kinds=["map", "binary"])
        self.run_sql("q", {"q": frame})
        self.assertEqual(frame.forms, ["cast(_0 as string)", "concat('0x', hex(_1))"])

    def test_bytes_within_a_value_are_digits_too(self):
        row = ([bytearray(b"\x00\xff"), None], {u"k": (1, True)}, ({u"a": None}, []))
        frame = Frame(["a", "m", "s"], [row], version="4.3.0", kinds=["array<binary>", "map<string,struct<b:binary>>", "date"])
        self.run_sql("q", {"q": frame})
        self.assertEqual(frame.forms, ["_0", "_1", "cast(_2 as string)"])
        self.assertEqual(self.table()["rows"], [["[0x00FF, null]", "{k -> {1, true}}", "{{a -> null}, []}"]])

    def test_bytes_of_spark_4(self):
        # Since 4.1 it gives `bytes` in place of a bytearray.
        frame = Frame(["a"], [([b"\x01"],)], version="4.3.0", kinds=["array<binary>"])
        self.run_sql("q", {"q": frame})
        self.assertEqual(self.table()["rows"], [["[0x01]"]])

    def test_stream_has_a_schema(self):
        frame = Frame(["value"], [], streaming=True)
        self.run_sql("q", {"q": frame})
        self.assertEqual((self.table()["rows"], frame.fetched), ([["value", "bigint", "true"]], []))

    def test_much_and_long(self):
        self.run_sql("q", {"q": Frame(["a"], [("x" * 20000,)] * 500)})
        table = self.table()
        self.assertTrue(table["cut"] and table["cutCells"] and 150 < len(table["rows"]) < 250)
        self.assertEqual(len(table["rows"][0][0]), 10001)

    def test_error_with_its_statement(self):
        with self.assertRaises(Exception) as caught:
            self.run_sql("use a;\n  select * from nope", {"use a": Frame([], []), "select * from nope": AnalysisException()})
        error = caught.exception
        self.assertEqual(type(error).__name__, "AnalysisException")
        self.assertTrue(str(error).startswith("In the SQL statement at line 2, column 3:\nTable or view not found"))
        self.assertEqual(error._render_traceback_(), [str(error)])

    def test_interrupt_is_an_interrupt(self):
        session = types.SimpleNamespace(sql=self.interrupt)
        self.assertRaises(KeyboardInterrupt, self.module["run_sql"], {"spark": session}, "q", 1)

    @staticmethod
    def interrupt(text):
        raise KeyboardInterrupt

    def test_no_spark(self):
        with self.assertRaises(Exception) as caught:
            sys.modules["pyspark"] = None
            try:
                self.module["run_sql"]({}, "select 1", 1)
            finally:
                del sys.modules["pyspark"]
        self.assertIn("no Spark session", str(caught.exception))

    def test_stopped_session_says_so_itself(self):
        class Stopped(Session):
            _sc = types.SimpleNamespace(_jsc=None)

        pyspark = types.ModuleType("pyspark")
        pyspark.sql = sql = types.ModuleType("pyspark.sql")
        sql.SparkSession = types.SimpleNamespace(_instantiatedSession=None, builder=None)
        sys.modules.update({"pyspark": pyspark, "pyspark.sql": sql})
        try:
            with self.assertRaises(Exception) as caught:
                self.module["run_sql"]({"spark": Stopped({"q": RuntimeError("stopped SparkContext")})}, "q", 1)
        finally:
            del sys.modules["pyspark"], sys.modules["pyspark.sql"]
        self.assertIn("stopped SparkContext", str(caught.exception))

    def test_a_session_by_another_name(self):
        named = type("SparkSession", (Session,), {})
        gone, open_ = named({}), named({"q": Frame([], [])})
        gone.is_stopped, open_.is_stopped = True, False
        self.module["run_sql"]({"_": gone, "spark": gone, "s": open_, "__name__": "SparkSession"}, "q", 1)
        self.assertEqual(open_.asked, ["q"])

    def test_no_session_can_be_made(self):
        def refuse():
            raise ValueError("CONNECT_URL_NOT_SET")
        pyspark = types.ModuleType("pyspark")
        pyspark.sql = sql = types.ModuleType("pyspark.sql")
        sql.SparkSession = types.SimpleNamespace(builder=types.SimpleNamespace(getOrCreate=refuse))
        sys.modules.update({"pyspark": pyspark, "pyspark.sql": sql})
        try:
            with self.assertRaises(Exception) as caught:
                self.module["run_sql"]({}, "q", 1)
        finally:
            del sys.modules["pyspark"], sys.modules["pyspark.sql"]
        said = "In the SQL statement at line 1, column 1:\nCONNECT_URL_NOT_SET"
        self.assertEqual(caught.exception._render_traceback_(), [said])

    def test_plain_letters(self):
        # Python 2 reads nothing else without a coding line, which it refuses in a text that is compiled.
        self.assertEqual(SOURCE, SOURCE.encode("ascii", "ignore").decode("ascii"))


class FramesTest(unittest.TestCase):
    def setUp(self):
        self.shell = Shell()
        self.frame = Classic(["n"], [(n,) for n in range(5)])

    def install(self, asked=3, result=0, version="1"):
        self.published = []
        module = load(self.published)
        module["install"](self.shell, asked, result, version)
        self.mime = module["MIME"]

    def table(self, shown):
        return json.loads(shown[0][self.mime])

    def rows(self, shown):
        table = self.table(shown)
        return len(table["rows"]), table["cut"], table.get("csv", False)

    def is_theirs(self, shown):
        return shown[0] == {"text/plain": "theirs"}

    def test_display_is_a_table_with_its_rows_as_a_file_where_there_are_more(self):
        self.install()
        shown = self.shell.display(self.frame)
        self.assertEqual((self.rows(shown), shown[0]["text/plain"]), ((3, True, True), "first 3 rows, 1 columns"))
        self.assertEqual(self.frame.fetched, [4])
        self.assertEqual(self.rows(self.shell.display(SparkFrame(["n"], [(1,)]))), (1, False, False))

    def test_a_result_starts_no_job_where_none_is_wanted(self):
        self.install()
        self.assertTrue(self.is_theirs(self.shell.compute_format_data(self.frame)))
        self.assertEqual(self.frame.fetched, [])

    def test_a_result_has_so_many_rows_where_they_are_wanted(self):
        self.install(result=2)
        self.assertEqual(self.rows(self.shell.compute_format_data(self.frame)), (2, True, False))
        self.assertEqual(self.rows(self.shell.display(self.frame)), (3, True, True))

    def test_more_rows_of_a_result_can_be_asked_for(self):
        self.install(result=2)
        name = self.table(self.shell.compute_format_data(self.frame))["frame"]
        self.shell.display_formatter.format.all_rows(name)
        self.assertEqual(self.rows(self.published), (3, True, True))
        self.assertEqual(self.frame.fetched, [3, 4])
        for shown in (self.shell.display(self.frame), self.shell.compute_format_data(SparkFrame(["n"], [(1,), (2,)]))):
            self.assertNotIn("frame", self.table(shown))

    def test_where_a_result_shows_as_much_as_is_ever_shown_the_file_is_there_at_once(self):
        self.install(result=3)
        shown = self.shell.compute_format_data(self.frame)
        self.assertEqual(self.rows(shown), (3, True, True))
        self.assertNotIn("frame", self.table(shown))

    def test_the_oldest_of_many_is_forgotten(self):
        self.install(result=2)
        names = [self.table(self.shell.compute_format_data(self.frame))["frame"] for _ in range(51)]
        self.assertEqual(len(set(names)), 51)
        all_rows = self.shell.display_formatter.format.all_rows
        all_rows(names[1])
        for name in (names[0], "nothing"):
            with self.assertRaises(Exception) as caught:
                all_rows(name)
            self.assertEqual(caught.exception._render_traceback_(), ["This table is not in the kernel any more. Run its code again."])

    def test_a_stream_has_a_schema(self):
        self.install()
        self.assertEqual(self.rows(self.shell.display(Classic(["n"], [], streaming=True))), (1, False, False))

    def test_all_else_is_theirs(self):
        self.install(result=2)
        for thing in (1, "text", None, Frame(["n"], [(1,)]), Classic, Classic([], [()])):
            self.assertTrue(self.is_theirs(self.shell.display(thing)))
        shown = self.shell.display(self.frame, include=["text/html"], exclude=["text/plain"])
        self.assertEqual(shown[1], {"include": ["text/html"], "exclude": ["text/plain"]})
        self.assertEqual(self.frame.fetched, [])

    def test_what_somebody_has_told_ipython_stands(self):
        self.install()
        self.shell.display_formatter.formatters["text/html"] = Formatter(SparkFrame)
        self.assertTrue(self.is_theirs(self.shell.display(self.frame)))
        self.shell.display_formatter = DisplayFormatter()
        self.shell.display_formatter.ipython_display_formatter = Formatter(Classic)
        self.install()
        self.assertTrue(self.is_theirs(self.shell.display(self.frame)))

    def test_a_failure_is_the_cells(self):
        self.install()
        self.frame.limit = lambda count: 1 // 0
        self.assertRaises(ZeroDivisionError, self.shell.display, self.frame)

    def test_sql_is_a_magic_whose_places_are_those_in_what_was_typed(self):
        self.install()
        self.shell.user_ns["spark"] = session = Session({"-o df\nselect 1": self.frame, "nope": AnalysisException()})
        kind, sql = self.shell.magics["sql"]
        sql("-o df", "select 1")
        self.assertEqual((kind, session.asked, self.rows(self.published)), ("cell", ["-o df\nselect 1"], (3, True, True)))
        with self.assertRaises(Exception) as caught:
            sql("nope", "")
        self.assertTrue(str(caught.exception).startswith("In the SQL statement at line 1, column 7:"))

    def test_a_sql_magic_that_is_there_stands(self):
        self.shell.magics["sql"] = "theirs"
        self.install()
        self.assertEqual(self.shell.magics, {"sql": "theirs"})

    def test_another_version_takes_the_place_of_an_earlier_one(self):
        self.install()
        self.install(asked=4, version="2")
        self.assertEqual(self.rows(self.shell.display(self.frame)), (4, True, True))
        self.shell.user_ns["spark"] = Session({"q": self.frame})
        self.shell.magics["sql"][1]("q", "")
        self.assertEqual(self.rows(self.published), (4, True, True))
        self.assertEqual(self.shell.display_formatter.format.version, "2")
        self.assertEqual(self.shell.display_formatter.format.theirs.__func__, DisplayFormatter.format)


if __name__ == "__main__":
    unittest.main()
