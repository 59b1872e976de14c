import { SPARK_TABLE_MIME } from './python.ts';
import { splitStatements } from './split-statements.ts';

/** A class file cannot hold longer strings of characters that take three bytes each. */
const LITERAL_CHARS = 10_000;

/**
 * Code for a Scala kernel with Spark (`spark` is its session) that runs SQL: a block without a result, so that it
 * leaves no names behind. How a table is shown depends on `implementation`.
 */
export function sqlInScala(sql: string, rows: number, implementation: string): string {
  const statements = splitStatements(sql);
  // All in one text: a method cannot hold the code of two thousand values.
  const places = statements.map(({ text, line, column }) => `${line} ${column} ${text.length}`).join(' ');
  return `{
  val places = Seq(${literals(places)}).mkString.split(' ').map(_.toInt).grouped(3)
  val texts = Seq(${literals(statements.map(({ text }) => text).join(''))}).mkString
  var begin = 0
  val most = ${rows}
${READ}
  places.foreach { case Array(line, column, length) =>
    begin += length
    try {
      val frame = spark.sql(texts.substring(begin - length, begin))
      if (frame.columns.nonEmpty) last = Some(read(frame))
    } catch {
      case error if scala.util.control.NonFatal(error) =>
        throw new RuntimeException("In the SQL statement at line " + line + ", column " + column + ":\\n" + error.getClass.getName + ": " + error.getMessage)
    }
  }
  last match {
    case None => ${showIn(implementation, 'text/plain', '"Done"')}
    case Some((columns, rows, isCut)) => ${showIn(implementation, SPARK_TABLE_MIME, TABLE_AS_JSON)}
  }
  ()
}`;
}

/**
 * Reads a frame of Spark 2 to 4. Spark itself converts the values to text, except Spark 2, which cannot. The first row
 * is always included, however long it is.
 */
const READ = `  val MostChars = 2000000
  val MostCellChars = 10000
  type Table = (Seq[String], Seq[Seq[String]], Boolean)
  var last: Option[Table] = None
  def read(frame: org.apache.spark.sql.DataFrame): Table =
    if (frame.isStreaming)
      (Seq("column", "type", "nullable"), frame.schema.fields.toSeq.map(field => Seq(field.name, field.dataType.simpleString, field.nullable.toString)), false)
    else {
      val names = frame.columns.indices.map("_" + _)
      val forms = frame.schema.fields.toSeq.zip(names).map { case (field, name) =>
        if (field.dataType.typeName == "binary") "concat('0x', hex(" + name + "))" else "cast(" + name + " as string)"
      }
      val texts = if (spark.version.startsWith("2.")) frame.toDF(names: _*) else frame.toDF(names: _*).selectExpr(forms: _*)
      val rows = texts.limit(most + 1).collect().toSeq
        .map(_.toSeq.map(value => String.valueOf(if (value == null) "NULL" else value).take(MostCellChars)))
      var room = MostChars
      val kept = rows.take(most).takeWhile { row => val fits = room > 0; room -= row.map(_.length + 3).sum; fits }
      (frame.columns.toSeq, kept, kept.length < rows.length)
    }
  def quoted(text: String): String = text.flatMap {
    case '"' => "\\\\\\""
    case '\\\\' => "\\\\\\\\"
    case sign if sign < ' ' => "\\\\" + "u%04x".format(sign.toInt)
    case sign => sign.toString
  }.mkString("\\"", "", "\\"")
  def json(columns: Seq[String], rows: Seq[Seq[String]], isCut: Boolean): String = {
    def listed(cells: Seq[String]) = cells.map(quoted).mkString("[", ",", "]")
    "{\\"columns\\":" + listed(columns) + ",\\"rows\\":" + rows.map(listed).mkString("[", ",", "]") +
      ",\\"cut\\":" + isCut + ",\\"cutCells\\":" + rows.exists(_.exists(_.length >= MostCellChars)) + ",\\"csv\\":" + isCut + "}"
  }`;

const TABLE_AS_JSON = 'json(columns, rows, isCut)';

/** `content` is an expression. */
function showIn(implementation: string, mime: string, content: string): string {
  if (/toree/i.test(implementation)) return `kernel.display.content("${mime}", ${content})`;
  if (/almond|scala/i.test(implementation))
    return `kernel.publish.display(almond.interpreter.api.DisplayData(Map("${mime}" -> ${content})))`;
  if (content !== TABLE_AS_JSON) return `println(${content})`;
  // A kernel that shows only text gets the form that Spark prints, which is read as a table.
  return `{
      val widths = columns.indices.map(index => (columns +: rows).map(_(index).length).max)
      val line = widths.map("-" * _).mkString("+", "+", "+")
      def row(cells: Seq[String]) = cells.zip(widths).map { case (cell, width) => cell.replaceAll("\\\\s+", " ").padTo(width, ' ') }.mkString("|", "|", "|")
      println((Seq(line, row(columns), line) ++ rows.map(row) :+ line).mkString("\\n"))
      if (isCut) println("only showing top " + rows.length + " rows")
    }`;
}

/** JSON strings are valid Scala literals; `$` has no meaning without an interpolator. */
function literals(text: string): string {
  const count = Math.max(1, Math.ceil(text.length / LITERAL_CHARS));
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify(text.slice(index * LITERAL_CHARS, (index + 1) * LITERAL_CHARS)),
  ).join(', ');
}
