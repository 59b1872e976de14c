/** What our own code in a kernel sends a table as: JSON, as a text. tables.py names it too, and `output/` reads it. */
export const SPARK_TABLE_MIME = 'application/vnd.sparkthread.table+json';
