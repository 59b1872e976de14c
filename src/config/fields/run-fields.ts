import { optional, withDefault } from '../setting.ts';
import { matching, oneOf, pairs, size, spanOrNone } from '../parsers.ts';
import { waitingTime, waitingTimeOrNone, wholeNumber } from '../parsers.ts';

/** Kernels of Scala and R count in 32 bits; of more rows than this no message holds a tenth. */
export const MAX_ROWS = 1_000_000;

const word = matching(/^\S+$/, 'one word');

export const runFields = {
  LANGUAGES: optional(pairs, {
    example: 'python2=python2-spark21,scala=scala-spark21',
    description: 'Your words for the gateway’s kernelspecs.',
  }),
  DEFAULT_LANGUAGE: optional(word, {
    example: 'python2',
    description: 'The language of a channel that has chosen none. By default the gateway’s own default.',
  }),
  AUTO_RUN: withDefault(oneOf(['mention', 'all']), 'mention', {
    example: 'all',
    description:
      'Whether a message that is one code block runs without a mention (all) in channels that have not said.',
  }),
  EDIT_WINDOW: withDefault(waitingTime, '10m', {
    example: '30m',
    description: 'How long an edit of a message runs it again.',
  }),
  RUN_TIMEOUT: withDefault(waitingTimeOrNone, 'none', {
    example: '1h',
    description: 'A run longer than this is stopped.',
  }),
  INPUT_TIMEOUT: withDefault(waitingTime, '10m', {
    example: '5m',
    description: 'A question of input() unanswered for so long is interrupted.',
  }),
  NOTIFY_AFTER: withDefault(spanOrNone, '60s', {
    example: '10m',
    description:
      'A run that took longer ends with a reply that names its requester, because edits notify nobody. none: never.',
  }),
  RESULT_REACTIONS: withDefault(oneOf(['on', 'off']), 'on', {
    example: 'off',
    description:
      'Whether the channel sees at a glance how a run ended: on the bot’s own message, or as a reaction on a person’s.',
  }),
  SQL_ROWS: withDefault(wholeNumber(1, MAX_ROWS), '1000', {
    example: '5000',
    description:
      'The most rows of a SQL result that are fetched from Spark: shown as a table, and all of them as CSV.',
  }),
  MAX_CODE: withDefault(size, '1MB', {
    example: '2MB',
    description:
      'The most code of one run, all its blocks and files together. Of one block at most 9 MiB go through.',
  }),
  MAX_OUTPUT: withDefault(size, '100MB', {
    example: '500MB',
    description: 'How much output of one run is kept and attached.',
  }),
  MAX_MESSAGE: withDefault(size, '32MB', {
    example: '64MB',
    description: 'The largest message taken from a kernel.',
  }),
  QUEUE_LIMIT: withDefault(wholeNumber(1), '20', {
    example: '50',
    description: 'Unfinished runs per kernel.',
  }),
  USER_LIMIT: withDefault(wholeNumber(1), '5', { example: '10', description: 'Unfinished runs per person.' }),
  KEEP_RUNS: withDefault(spanOrNone, '30d', {
    example: '7d',
    description: 'How long code and answers’ state are kept, then erased. none: for ever.',
  }),
};
