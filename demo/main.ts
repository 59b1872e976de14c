import { parseArgs } from 'node:util';
import { type Playground, startPlayground } from '../playground/playground.ts';
import { demoLanguages, lastLines, startBot } from './bot.ts';
import { startKernelGateway } from './gateway.ts';
import { pageShortcuts } from './page-shortcuts.ts';
import { type Progress, asStep, showProgress } from './provision/progress.ts';
import { type Provisioned, provision } from './provision/provision.ts';
import { SetupError } from './provision/setup-error.ts';
import { say } from './say.ts';
import { postNotebook } from './try-notebook.ts';

const usage = `usage: npm run demo                       the whole thing on this machine, in a page
       npm run demo -- --say '/spark …'   says it as a person in #data, prints the thread, and ends
                                          (may be given several times; a text without a slash is a message)
`;
const exitBadSetup = 78;
const exitInterrupted = 130;

type Ending = () => Promise<void>;

/** The messages to say. Undefined: the caller asked for the usage. */
function readSayings(): readonly string[] | undefined {
  try {
    const { values } = parseArgs({
      options: { say: { type: 'string', multiple: true }, help: { type: 'boolean' } },
    });
    if (values.help) return undefined;
    const sayings = values.say ?? [];
    if (sayings.some((typed) => typed.trim() === '')) throw new Error('There is nothing in it to say');
    return sayings;
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : String(error)}.\n\n${usage.trimEnd()}`);
  }
}

async function main(sayings: readonly string[], told: Promise<unknown>): Promise<number> {
  const endings: Ending[] = [];
  try {
    // A program that is still starting when this process ends is ended by its guard, whose stdin closes.
    const interrupted = told.then(() => (sayings.length === 0 ? 0 : exitInterrupted));
    return await Promise.race([run(sayings, endings), interrupted]);
  } finally {
    for (const end of endings.toReversed()) await end();
  }
}

async function run(sayings: readonly string[], endings: Ending[]): Promise<number> {
  const progress = showProgress(process.stderr);
  const provisioned = await provision(process.env, progress);
  const { playground, botEnded } = await startAll(provisioned, progress, endings);
  if (sayings.length === 0) {
    postNotebook(playground);
    process.stdout.write(invitation(playground.origin, provisioned));
    // Nothing waits for this post: it is there before anybody has read so far.
    void saveOne(playground).catch(() => undefined);
    return botEnded;
  }
  let isWell = true;
  for (const typed of sayings) {
    const said = await asStep(progress, typed, async () => ({
      value: await Promise.race([say(playground, typed), botEnded]),
      text: 'answered',
    }));
    process.stdout.write(`\n${said.text}\n\n`);
    isWell &&= said.isWell;
  }
  return isWell ? 0 : 1;
}

/** Gateway, playground and bot; what was started is in `endings` even when what comes next fails. */
async function startAll(provisioned: Provisioned, progress: Progress, endings: Ending[]) {
  const gateway = await asStep(progress, 'Starting the kernel gateway', async () => {
    const value = await startKernelGateway({ provisioned });
    endings.push(value.stop);
    return { value, text: value.url };
  });
  const playground = await startPlayground({ shortcuts: pageShortcuts });
  endings.push(() => playground.stop());
  const bot = await asStep(progress, 'Starting the bot', async () => {
    const value = await startBot(provisioned, gateway, playground);
    endings.push(value.stop);
    return { value, text: `connected; ${demoLanguages(provisioned).replaceAll(',', ', ')}` };
  });
  const botEnded = bot.ended.then((): never => {
    throw new Error(`the bot has ended:\n${lastLines(bot.log())}`);
  });
  // When this process itself ends it, nothing listens any more.
  botEnded.catch(() => undefined);
  return { playground, botEnded };
}

/** A saved snippet to run by its name, and the first answer in the channel. */
async function saveOne(playground: Playground): Promise<void> {
  const first = await say(playground, '/spark python2 n = 10\nprint("total", sum(range(n)))');
  if (first.isWell) await say(playground, '/spark save total');
}

function invitation(origin: string, { java }: Provisioned): string {
  const count = java ? 'sc.parallelize(range(10)).count()' : 'sum(range(10))';
  return `
Open ${origin} and try, in #data:

  1. /spark python2 ${count}
  2. @sparkthread import matplotlib.pyplot as plt; plt.plot([1, 4, 9, 16]); plt.show()
  3. /spark python2 import time; time.sleep(60)      (and press Stop)
  4. /spark run total n=1000                         (saved there; then: /spark schedule total every 5 min)
  5. “Run this code” in the menu of Ana’s message with try.ipynb, then !export in its thread
  6. /spark help

Ctrl-C ends everything.
`;
}

const told = new Promise((resolve) => {
  // More than once, because npm and the terminal may both pass on one Ctrl-C.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
});

try {
  const sayings = readSayings();
  if (sayings === undefined) process.stdout.write(usage);
  else process.exitCode = await main(sayings, told);
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof SetupError ? exitBadSetup : 1;
}
process.exit();
