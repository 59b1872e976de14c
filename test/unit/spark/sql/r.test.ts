import { expect, test } from 'vitest';
import { readError } from '../../../../src/output/errors/read-error.ts';
import { sqlForKernel, sqlInNotebook } from '../../../../src/spark/sql/kernel-code.ts';

/** As sparklyr 1.8.4 on Spark 3.5.9 says it with the option, where it does not break lines to a terminal's width. */
const SAID = `In the SQL statement at line 3, column 1:
org.apache.spark.sql.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view \`nowhere\` cannot be found. Verify the spelling and correctness of the schema and catalog.
If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.; line 2 pos 6;
'Project ['id]
+- 'UnresolvedRelation [nowhere], [], false

	at org.apache.spark.sql.catalyst.analysis.package$AnalysisErrorAt.tableNotFound(package.scala:87)
	at sparklyr.Invoke.invoke(invoke.scala:161)
`;

test('sparklyr is set to Spark’s own form of errors during the statement', () => {
  const code = sqlForKernel('select 1', { language: 'R', implementation: 'IRkernel' }, 10);
  const [before = '', behind = ''] = code.split('sparklyr::invoke(sparklyr::spark_session(sc), "sql", text)');
  expect(before).toMatch(
    /theirs <- options\(sparklyr\.simple\.errors = TRUE\)\n\s+on\.exit\(options\(theirs\)\)\n[^\n]*$/,
  );
  expect(behind).not.toContain('simple.errors');
});

test('marks for the direction of text are escaped: R refuses code that has them', () => {
  const sql = "select '\u2067שלום\u2069 \u202a\u202e\u202c'";
  const written = String.raw`"select '\u2067שלום\u2069 \u202a\u202e\u202c'"`;
  expect(sqlForKernel(sql, { language: 'R', implementation: 'IRkernel' }, 10)).toContain(written);
  expect(sqlInNotebook(sql, 'R')).toContain(written);
});

test('that form is a sentence and its position', () => {
  const sent = { name: 'ERROR', value: SAID, traceback: [`Error: ${SAID}\nTraceback:\n`] };
  expect(readError(sent, 'select 1;\n\nselect id\n from nowhere')).toMatchObject({
    headline:
      'AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere` cannot be found. Verify the spelling and correctness of the schema and catalog.',
    userLine: 'line 4: from nowhere\n             ^',
  });
});
