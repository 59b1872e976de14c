"""Tests of tables.py on the Python here; split-statements.test.ts puts the same texts to its twin."""

import io
import json
import os
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = io.open(os.path.join(HERE, "../../../../src/spark/sql/tables.py"), encoding="utf-8").read()


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

    def test_plain_letters(self):
        # Python 2 reads nothing else without a coding line, which it refuses in a text that is compiled.
        self.assertEqual(SOURCE, SOURCE.encode("ascii", "ignore").decode("ascii"))


if __name__ == "__main__":
    unittest.main()
