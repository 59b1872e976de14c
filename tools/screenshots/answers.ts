import type { SlackMessage } from '../../playground/messages.ts';
import { askMessage, askSlash, finals } from '../../test/support/ask.ts';
import type { Scene } from './scene.ts';

/** Answers by what came out and how it ended: each in a channel of its own, photographed in its thread. */
export const answerScenes: readonly Scene[] = [
  run('small-result', 'sum(range(10))'),
  run('no-output', 'x = 1'),
  run('print-and-result', 'for n in range(4):\n    print("row", n)\nn * 10'),
  run('stderr', 'import sys\nprint("read 3 files")\nprint("one file was empty", file=sys.stderr)'),
  run('long-output', 'for n in range(500):\n    print(f"{n:05d} imported order {n * 7919 % 100_000}")'),
  run('table', frame('20')),
  run('table-cut', frame('400')),
  run('image', plot('[1, 4, 9, 16]')),
  run('two-images', `${plot('[1, 4, 9]')}\n${plot('[9, 4, 1]')}`),
  run('json', 'from IPython.display import JSON\nJSON({"jobs": [{"id": 1, "state": "ok"}]})'),
  run(
    'html',
    'from IPython.display import HTML\nHTML("<h3>Report</h3><p>All <b>fine</b>, see <i>below</i>.</p>")',
  ),
  run('latex', 'from IPython.display import Latex\nLatex(r"$\\int_0^1 x^2 dx = \\frac{1}{3}$")'),
  run('raised', 'def share(part, whole):\n    return part / whole\n\nshare(1, 0)'),
  run('raised-name', 'pritn("hello")'),
  run('raised-syntax', 'for n in range(3)\n    print(n)'),
  run('raised-after-output', 'for n in range(3):\n    print("loaded part", n)\nopen("/data/missing.csv")'),
  run('raised-import', 'import pandsa'),
  run('exited', 'exit()'),
  run('kernel-died', 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)'),
  run('timed-out', 'import time\nprint("waiting for the table lock")\ntime.sleep(600)'),
  run('too-much-output', 'while True:\n    print("again " * 20)'),
  run('r-answer', 'orders <- c(12, 40, 7)\nsummary(orders)', 'r'),
  run('not-started', 'print(1)', 'broken'),
  {
    name: 'several-blocks',
    async play({ playground, room }) {
      const { thread } = await askMessage(
        playground,
        'ana',
        room,
        '@sparkthread python3\n```\nprices = [3, 5, 8]\nsum(prices)\n```\nand then\n```\nmax(prices) / 0\n```',
      );
      return { thread };
    },
  },
  {
    name: 'running',
    async play({ playground, room }) {
      await askSlash(playground, 'ana', room, '/spark python3 1');
      await playground
        .as('ana')
        .slash(
          room,
          '/spark python3 import time\nfor n in range(100):\n    print("part", n + 1, "of 100", flush=True)\n    time.sleep(1)',
        );
      const live = await playground.waitForMessage(room, isLive('part 3 of 100'));
      return { thread: live.thread_ts ?? live.ts };
    },
  },
  {
    name: 'starting-kernel',
    async play({ playground, room }) {
      await playground.as('ana').slash(room, '/spark python2 sc.version');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Starting a'));
      return { thread: live.thread_ts ?? live.ts };
    },
  },
  {
    name: 'waiting',
    async play({ playground, room }) {
      await playground.as('ana').slash(room, '/spark python3 import time; time.sleep(600)');
      await playground.waitForMessage(room, ({ text }) => text.includes('Running'));
      await playground.as('ben').slash(room, '/spark python3 1 + 1');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Waiting'));
      return { thread: live.thread_ts ?? live.ts, user: 'ben' };
    },
  },
  {
    name: 'interrupted',
    async play({ playground, room }) {
      await playground
        .as('ana')
        .slash(room, '/spark python3 import time\nprint("step 1 of 8")\ntime.sleep(600)');
      const live = await playground.waitForMessage(room, isLive('step 1 of 8'));
      await playground.as('ana').press(live, 'run:stop');
      const thread = live.thread_ts ?? live.ts;
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      return { thread };
    },
  },
  {
    name: 'stop-ignored',
    async play({ playground, room }) {
      const ignoring = 'signal.signal(signal.SIGINT, signal.SIG_IGN)';
      await playground
        .as('ana')
        .slash(
          room,
          `/spark python3 import signal, time\n${ignoring}\nprint("rebuilding the index", flush=True)\ntime.sleep(600)`,
        );
      const live = await playground.waitForMessage(room, isLive('rebuilding'));
      await playground.as('ana').press(live, 'run:stop');
      await playground.waitFor(() => JSON.stringify(live.blocks).includes('run:restart'));
      return { thread: live.thread_ts ?? live.ts };
    },
  },
  {
    name: 'stopped-by-another',
    async play({ playground, room }) {
      await playground.as('ben').slash(room, '/spark python3 import time; time.sleep(600)');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Running'));
      await playground.as('ana').press(live, 'run:stop');
      const thread = live.thread_ts ?? live.ts;
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      return { thread, user: 'ben' };
    },
  },
  {
    name: 'cancelled',
    async play({ playground, room }) {
      await playground.as('ana').slash(room, '/spark python3 import time; time.sleep(600)');
      await playground.waitForMessage(room, ({ text }) => text.includes('Running'));
      await playground.as('ben').slash(room, '/spark python3 1 + 1');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Waiting'));
      await playground.as('ben').press(live, 'run:cancel');
      const thread = live.thread_ts ?? live.ts;
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      return { thread, user: 'ben' };
    },
  },
  ...(['restart', 'shutdown'] as const).map((command): Scene => ({
    name: command === 'restart' ? 'kernel-restarted' : 'kernel-gone',
    async play({ playground, room }) {
      await playground.as('ben').slash(room, '/spark python3 import time; time.sleep(600)');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Running'));
      await playground.as('ana').slash(room, `/spark ${command}`);
      const thread = live.thread_ts ?? live.ts;
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      return { thread, user: 'ben', withChannel: true };
    },
  })),
  {
    name: 'switch-asked',
    async play({ playground, room }) {
      await askSlash(playground, 'ana', room, '/spark python3 1');
      await askSlash(playground, 'ben', room, '/spark python3 2');
      await playground.as('ana').slash(room, '/spark python2 sc.version');
      const live = await playground.waitForMessage(room, isLive('switch to'));
      return { thread: live.thread_ts ?? live.ts };
    },
  },
  {
    name: 'input-asked',
    async play({ playground, room }) {
      await playground
        .as('ana')
        .slash(room, '/spark python3 name = input("Which table? ")\nprint("reading", name)');
      const live = await playground.waitForMessage(room, ({ text }) => text.includes('Waiting for input'));
      return { thread: live.thread_ts ?? live.ts };
    },
  },
  {
    name: 'input-timed-out',
    async play({ playground, room }) {
      const { thread } = await askSlash(playground, 'ana', room, '/spark python3 input("Which table? ")');
      return { thread };
    },
  },
  {
    name: 'edited',
    async play({ playground, room }) {
      const { thread } = await askMessage(playground, 'ana', room, '@sparkthread python3 `1 + 1`');
      const [root] = playground.thread(room, thread);
      if (root === undefined) throw new Error('the message is gone');
      playground.as('ana').edit(root, '@sparkthread python3 `20 + 22`');
      await playground.waitForReply(room, thread, ({ text }) => text.includes('42'));
      return { thread };
    },
  },
];

/** An answer, of which the root message has the code and so perhaps the same words. */
function isLive(words: string): (message: SlackMessage) => boolean {
  return ({ text, thread_ts: thread }) => thread !== undefined && text.includes(words);
}

function run(name: string, code: string, language = 'python3'): Scene {
  return {
    name,
    async play({ playground, room }) {
      const { thread } = await askSlash(playground, 'ana', room, `/spark ${language} ${code}`);
      return { thread };
    },
  };
}

function plot(values: string): string {
  return `import matplotlib.pyplot as plt\nplt.figure(figsize=(6, 3))\nplt.plot(${values})\nplt.show()`;
}

function frame(rows: string): string {
  return [
    'import pandas as pd',
    `orders = pd.DataFrame({"order": range(7001, 7001 + ${rows}), "city": (["Oslo", "Lima", "Pune", "Kyoto"] * 100)[:${rows}]})`,
    'orders["amount"] = (orders["order"] * 37 % 1000) / 4',
    'orders',
  ].join('\n');
}
