/**
 * One word per thing, and the field's word. What is on the left is no part of the code; what to write stands on the right.
 * `words.test.ts` reads the code by this table.
 */
export interface Word {
  /** Parts of a name, in any case and place: `lane` forbids `lane`, `laneOf`, `MAX_LANES` and `lane-leases.ts`. */
  parts?: readonly string[];
  /** Whole names, where the word has honest uses inside of longer ones. */
  names?: readonly string[];
  /** Beginnings of a file's name. */
  files?: readonly string[];
  /** Only below these paths, where the word is honest elsewhere (a line of text, a link in a message). */
  within?: readonly string[];
  write: string;
}

/**
 * Names of stored fields. What is written in a store keeps its name: `kept` is a field of the run record, and the
 * migrations from version 1 name the old fields to rename them.
 */
export const STORED: Readonly<Record<string, readonly string[]>> = {
  'src/runs/run.ts': ['kept'],
  'src/runs/runs.ts': ['kept'],
  'src/runs/session/run/live-run.ts': ['kept'],
  'src/store/version-1.ts': ['door', 'delivery', 'left', 'lane', 'lastRunner', 'runners'],
};

export const WORDS: readonly Word[] = [
  { parts: ['house', 'houses'], write: 'app, composition' },
  { parts: ['door', 'doors'], write: 'listener' },
  {
    parts: ['judge', 'judged', 'judges'],
    names: ['hear', 'hears', 'taking', 'isTaking'],
    write: 'listener; classify',
  },
  { parts: ['lane', 'lanes'], write: 'queue; the object is the kernel session' },
  { parts: ['ledger', 'ledgers'], write: 'run store' },
  {
    parts: ['delivery', 'deliveries', 'withhold', 'withheld', 'withholds'],
    names: ['claim', 'claimed', 'claims'],
    write: 'request; deduplicate; leave unacknowledged',
  },
  { parts: ['wish', 'wishes'], write: 'command' },
  { parts: ['runner', 'runners'], write: 'requester' },
  {
    parts: ['standing message', 'open answer', 'run answer', 'live answer', 'remove answer', 'answer view'],
    write: 'run message',
  },
  {
    parts: [
      'stands aside',
      'stand aside',
      'take up',
      'taken up',
      'let go',
      'lets go',
      'take back',
      'hand over',
    ],
    names: ['stand', 'stands', 'standing', 'kept', 'left'],
    write: 'live; paused; stored, cached; remaining; resume; release; cancel; persist',
  },
  { parts: ['typed line', 'answered line'], write: 'input' },
  {
    names: ['line', 'Line'],
    within: ['src/runs/', 'src/store/', 'src/gateway/connection/', 'src/gateway/execution/'],
    write: 'queue, input, event',
  },
  {
    parts: ['greeting', 'greetings', 'greet', 'greeted', 'greets'],
    write: 'kernel_info handshake, waitUntilReady',
  },
  {
    parts: ['link', 'links'],
    within: ['src/gateway/', 'src/slack/transport/', 'src/server/', 'src/app.ts', 'src/main.ts'],
    write: 'websocket, reconnecting websocket',
  },
  { parts: ['life', 'lives', 'farewell'], write: 'kernel status, lifecycle' },
  {
    parts: ['deaf', 'deafness', 'cure', 'cures', 'cured'],
    write: 'stale websocket, reconnect with a new session',
  },
  { parts: ['trouble', 'troubles', 'patience'], names: ['away', 'isAway'], write: 'outage, timeout, retry' },
  { names: ['asking', 'Asking', 'isAsking'], write: 'input request, input reply' },
  {
    parts: ['fold', 'folds', 'barefoot', 'bare', 'crowded'],
    write: 'accumulate, overflow, synthetic',
  },
  {
    parts: ['tell', 'tells', 'people', 'surfaces', 'press', 'presses', 'bell'],
    write: 'notify, users, views, action, notifier',
  },
  {
    parts: ['front', 'findings', 'twin', 'twins', 'papers'],
    names: ['operation', 'operations'],
    files: ['watch-'],
    write: 'health server, server, instrument-*, generated docs, config issues, aliases',
  },
];

/** In comments, log lines and papers no sentence has one of these. */
export const PROSE =
  /\b(lanes?|ledgers?|wish(?:es)?|greetings?|deafness|farewells?|startHouse|StandingMessage|barefoot|Bell|runners?|doors?)\b/;
