import { SPARK_TABLE_MIME } from './python.ts';
import { splitStatements } from './split-statements.ts';

/**
 * Code for IRkernel that runs SQL with SparkR or sparklyr, whichever has a session; local, so that it leaves no names
 * behind.
 */
export function sqlInR(sql: string, rows: number): string {
  const statements = splitStatements(sql)
    .map(({ text, line, column }) => `list(${line}L, ${column}L, ${literalInR(text)})`)
    .join(', ');
  return `invisible(local({
  statements <- list(${statements})
  most <- ${rows}L
  mime <- ${JSON.stringify(SPARK_TABLE_MIME)}
${BODY}
}))`;
}

/** JSON strings are valid in R, which refuses marks for the direction of text unless they are escaped. */
export function literalInR(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16)}`;
  });
}

const BODY = `  connection <- function() {
    for (name in ls(globalenv())) {
      value <- get(name, globalenv())
      if (inherits(value, "spark_connection")) return(value)
    }
    open <- if ("sparklyr" %in% loadedNamespaces()) sparklyr::spark_connection_find() else list()
    if (length(open) > 0) open[[1]] else NULL
  }
  sc <- connection()
  if (is.null(sc)) {
    if (!requireNamespace("SparkR", quietly = TRUE))
      stop("This kernel has no Spark session, and SparkR is not installed where it runs.", call. = FALSE)
    suppressMessages(SparkR::sparkR.session())
  }
  as_texts <- function(frame, columns) {
    kinds <- vapply(SparkR::dtypes(frame), function(kind) kind[[2]], "")
    if (anyDuplicated(columns) || any(grepl("\`", columns, fixed = TRUE))) return(frame)
    quoted <- paste0("\`", columns, "\`")
    forms <- ifelse(kinds == "binary", paste0("concat('0x', hex(", quoted, "))"), paste0("cast(", quoted, " as string)"))
    tryCatch(do.call(SparkR::selectExpr, c(list(frame), as.list(forms))), error = function(e) frame)
  }
  run <- function(text) {
    if (is.null(sc)) {
      frame <- SparkR::sql(text)
      columns <- SparkR::columns(frame)
      if (length(columns) == 0) return(NULL)
      if (SparkR::isStreaming(frame)) {
        kinds <- SparkR::dtypes(frame)
        shown <- data.frame(vapply(kinds, "[[", "", 1), vapply(kinds, "[[", "", 2))
        return(list(c("column", "type"), shown))
      }
      list(columns, SparkR::collect(SparkR::limit(as_texts(frame, columns), most + 1L)))
    } else {
      # sparklyr's own form of an error breaks Spark's sentence into lines.
      theirs <- options(sparklyr.simple.errors = TRUE)
      on.exit(options(theirs))
      frame <- sparklyr::invoke(sparklyr::spark_session(sc), "sql", text)
      columns <- unlist(sparklyr::invoke(frame, "columns"))
      if (length(columns) == 0) return(NULL)
      list(columns, as.data.frame(sparklyr::sdf_collect(sparklyr::invoke(frame, "limit", most + 1L))))
    }
  }
  said <- function(e) {
    words <- sub("^Error in [^:]* : ", "", conditionMessage(e))
    words <- sub("^analysis error - ", "org.apache.spark.sql.AnalysisException: ", words)
    sub("^parse error - ", "org.apache.spark.sql.catalyst.parser.ParseException: ", words)
  }
  last <- NULL
  for (statement in statements) {
    result <- tryCatch(run(statement[[3]]), error = function(e)
      stop("In the SQL statement at line ", statement[[1]], ", column ", statement[[2]], ":\\n", said(e), call. = FALSE))
    if (!is.null(result)) last <- result
  }
  cell <- function(value) {
    if (is.null(value) || (is.atomic(value) && length(value) == 1 && is.na(value))) return("NULL")
    if (is.logical(value)) value <- tolower(as.character(value))
    if (is.raw(value)) value <- paste0("0x", paste(toupper(as.character(value)), collapse = ""))
    substr(paste(as.character(unlist(value)), collapse = ", "), 1, 10000)
  }
  if (is.null(last)) {
    cat("Done\\n")
  } else {
    frame <- last[[2]]
    count <- min(nrow(frame), most)
    cells <- lapply(seq_along(last[[1]]), function(index) vapply(seq_len(count), function(row) cell(frame[[index]][[row]]), ""))
    lengths <- if (count == 0) integer(0) else Reduce("+", lapply(cells, function(column) nchar(column) + 3))
    kept <- sum(cumsum(lengths) - lengths < 2000000)
    rows <- lapply(seq_len(kept), function(row) lapply(cells, function(column) column[[row]]))
    is_cut <- nrow(frame) > kept
    is_long <- any(vapply(cells, function(column) any(nchar(column) >= 10000), NA))
    table <- list(columns = as.list(last[[1]]), rows = rows, cut = is_cut, cutCells = is_long, csv = is_cut)
    bundle <- list(as.character(jsonlite::toJSON(table, auto_unbox = TRUE)))
    names(bundle) <- mime
    IRdisplay::publish_mimebundle(bundle)
  }
  NULL`;
