import { describe, expect, test } from 'vitest';
import type { KernelGateway } from '../../../demo/gateway.ts';
import type { Playground } from '../../../playground/playground.ts';
import { type Answered, askMessage, askSlash, finalAnswer, finals, untilShown } from '../../support/ask.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { kernelIdsOf, useBotOnGateway } from '../../support/bot-on-gateway.ts';
import type { StartedBot } from '../../support/start-bot.ts';

/** From Slack to a real kernel and back: the real main program, a real gateway, the local Slack. */
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  { provisioned, environment: { LANGUAGES: 'py=python3', DEFAULT_LANGUAGE: 'python3' } },
  (started) => ({ gateway, playground, bot } = started),
);

const kernelIds = () => kernelIdsOf(gateway);

const mention = (code: string): string => `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``;

/** ana runs code in #data. Slack takes a post a second in a channel, and a mention is answered by one. */
const run = (code: string): Promise<Answered> => askMessage(playground, 'ana', '#data', mention(code));

describe('code and its answer', () => {
  test('a slash command makes a root message with the code and an answer in its thread, two posts in all', async () => {
    await askSlash(playground, 'ana', '#data', '/spark python3 warm = 1');
    const before = playground.callsOf('chat.postMessage').length;
    const { text, outcome } = await askSlash(playground, 'ana', '#data', '/spark python3 2+3');
    expect(outcome).toBe('ok');
    expect(text).toMatch(/@ana ran /);
    expect(text).toMatch(/│ 5\n/);
    expect(text).toMatch(/Done · .* · In \[\d+\] · python3/);
    expect(playground.callsOf('chat.postMessage').length - before).toBe(2);
  });

  test('the root message names the language for people, the status line the kernelspec', async () => {
    const { text } = await askSlash(playground, 'ana', '#data', '/spark py 2+4');
    expect(text).toMatch(/@ana ran Python 3\n/);
    expect(text).toMatch(/│ 6\n/);
    expect(text).toMatch(/ · python3\n/);
  });

  test('variables stay in their channel and are not in another', async () => {
    await askSlash(playground, 'ana', '#data', '/spark x = 1');
    expect((await askSlash(playground, 'ben', '#data', '/spark x')).text).toMatch(/│ 1\n/);
    const elsewhere = await askSlash(playground, 'ana', '#general', '/spark x');
    expect(elsewhere.outcome).toBe('raised');
    expect(elsewhere.text).toContain("NameError: name 'x' is not defined");
  });

  test('stream, result and error are shown in their order', async () => {
    const code = 'import sys\nprint("one")\nprint("two", file=sys.stderr)\n1/0';
    const { text, outcome } = await run(code);
    expect(outcome).toBe('raised');
    expect(text.indexOf('one')).toBeLessThan(text.indexOf('ZeroDivisionError'));
    expect(text).toContain('two');
  });

  test('a mention, a direct message and a block in the thread run code, too', async () => {
    const mentioned = await askMessage(playground, 'ben', '#data', `<@${playground.bot.id}> \`40+2\``);
    expect(mentioned.text).toMatch(/│ 42\n/);
    const inThread = await finalAnswerOf('ben', '```\n"in the thread"\n```', mentioned.thread);
    expect(inThread.text).toContain("'in the thread'");
    const direct = await askMessage(playground, 'ben', playground.dm('ben').id, '6*7');
    expect(direct.text).toMatch(/│ 42\n/);
  });

  test('several blocks are one run with one answer; the first that fails ends it', async () => {
    const typed = `<@${playground.bot.id}>\n\`\`\`\na = 5\nprint("first")\n\`\`\`\nand\n\`\`\`\nraise ValueError("second")\n\`\`\`\n\`\`\`\nprint("third")\n\`\`\``;
    const { thread, text, outcome } = await askMessage(playground, 'ana', '#data', typed);
    expect(outcome).toBe('raised');
    expect(text).toContain('first');
    expect(text).toContain('ValueError: second');
    expect(text).not.toMatch(/│ third/);
    expect(finals(playground, '#data', thread)).toHaveLength(1);
  });

  test('of long output head and tail are inline, and a file has all of it', async () => {
    const { thread } = await askSlash(
      playground,
      'ana',
      '#data',
      '/spark for i in range(5000): print("line", i)',
    );
    const file = await playground.waitFor(
      () => playground.files.find((each) => Buffer.from(each.bytes).includes('line 4999')),
      { what: 'the file' },
    );
    const lines = Buffer.from(file.bytes).toString('utf8').trimEnd().split('\n');
    expect(lines).toEqual(Array.from({ length: 5000 }, (_, i) => `line ${i}`));
    const shown = JSON.stringify(playground.replies('#data', thread));
    expect(shown).toContain('line 0');
    expect(shown).toContain('line 4999');
    expect(shown).not.toContain('line 2500\\n');
  });

  async function finalAnswerOf(user: string, typed: string, thread: string) {
    return await askMessage(playground, user, '#data', typed, { thread });
  }
});

describe('after the end', () => {
  const shows = (thread: string, text: string) => untilShown(playground, '#data', thread, text);

  test('what a thread prints later edits the same answer', async () => {
    const code =
      'import threading\nthreading.Timer(1, lambda: print("late, not lost")).start()\nprint("early")';
    const { thread } = await run(code);
    const answer = await shows(thread, 'late, not lost');
    expect(JSON.stringify(answer.blocks)).toContain('early');
    expect(finals(playground, '#data', thread)).toHaveLength(1);
  });

  test('a file of late output is deleted with its answer', async () => {
    const code =
      'import threading\nthreading.Timer(1, lambda: print("late\\n" * 3000)).start()\nprint("early")';
    const { thread } = await run(code);
    const answer = await shows(thread, 'hidden');
    await playground.waitForReply('#data', thread, ({ files = [] }) => files.length > 0);
    await playground.as('ana').press(answer, 'run:delete');
    await playground.waitFor(() => playground.replies('#data', thread).length === 0);
  });

  test('the output of a thread that does not stop printing is shown meanwhile', async () => {
    const code = [
      'import threading, time',
      'def tick():',
      '    global ticks',
      '    while ticks: ticks += 1; print("tick", ticks); time.sleep(0.05)',
      'ticks = 1; threading.Timer(0.5, tick).start()',
    ].join('\n');
    const { thread } = await run(code);
    await shows(thread, 'tick 3');
    await run('ticks = 0');
    expect(finals(playground, '#data', thread)).toHaveLength(1);
  });

  test('a later run updates what an earlier one displays', async () => {
    const code = 'from IPython.display import display\nhandle = display("first picture", display_id=True)';
    const { thread } = await run(code);
    await run('handle.update("second picture")');
    await shows(thread, 'second picture');
  });
});

describe('one line, in order, once', () => {
  test('two people at once are both answered, in the order of acceptance', async () => {
    await run('order = []');
    const both = await Promise.all([
      run('import time; time.sleep(0.5); order.append("ana")'),
      askMessage(playground, 'ben', '#data', `<@${playground.bot.id}> \`order.append("ben")\``),
    ]);
    expect(both.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    const { text } = await run('order');
    expect(text).toMatch(/\['ana', 'ben'\]|\['ben', 'ana'\]/);
  });

  test('a mention that comes twice and a repeated event make one run', async () => {
    await run('n = 0');
    const first = await run('n += 1');
    for (const delivery of playground.deliveries.filter((each) => JSON.stringify(each).includes('n += 1')))
      playground.repeat(delivery);
    await playground.waitForQuiet();
    const { text } = await run('n');
    expect(text).toMatch(/│ 1\n/);
    expect(finals(playground, '#data', first.thread)).toHaveLength(1);
  });

  test('a failed run does not affect the next one', async () => {
    const [failing, next] = await Promise.all([
      run('import time; time.sleep(0.3); 1/0'),
      askSlash(playground, 'ben', '#general', '/spark "still here"').then(() =>
        askSlash(playground, 'ben', '#data', '/spark "next"'),
      ),
    ]);
    expect(failing.outcome).toBe('raised');
    expect(next.outcome).toBe('ok');
  });

  test('stop interrupts the running one, keeps the variables, and the next one runs', async () => {
    await run('kept = "kept"');
    const posted = playground
      .as('ana')
      .post('#data', `<@${playground.bot.id}> \`import time; time.sleep(600)\``);
    await untilShown(playground, '#data', posted.ts, 'run:stop');
    playground.as('ana').post('#data', '!stop', { thread: posted.ts });
    const stopped = await finalAnswer(playground, '#data', posted.ts);
    expect(stopped.outcome).toBe('interrupted');
    expect((await run('kept')).text).toContain("'kept'");
  });
});

describe('commands', () => {
  test('help, languages and status answer privately; use is announced in the channel', async () => {
    const ana = playground.as('ana');
    expect((await ana.slash('#data', '/spark help kernel')).text).toContain(
      'Each channel has its own kernel',
    );
    await ana.slash('#data', '/spark languages');
    await playground.waitForEphemeral(
      'ana',
      (message) => message.text.includes('python3-spark') || message.text.includes('python3'),
    );
    await run('1');
    await ana.slash('#data', '/spark status');
    await playground.waitForEphemeral('ana', (message) => message.text.includes('last used'));
    await ana.slash('#data', '/spark use py');
    await playground.waitForMessage('#data', (message) =>
      message.text.includes('default language of this channel to `python3`'),
    );
  });

  test('restart and shutdown are for admins, and are announced in the channel', async () => {
    const [old] = await kernelIds();
    await playground.as('ben').slash('#data', '/spark restart');
    await playground.waitForEphemeral('ben', (message) => message.text.startsWith('Only admins may restart'));
    await run('gone = 1');
    await playground.as('ana').slash('#data', '/spark restart');
    await playground.waitForMessage('#data', (message) =>
      message.text.includes('restarted the python3 kernel; variables are gone'),
    );
    expect((await run('gone')).text).toContain('NameError');
    await playground.as('ana').slash('#data', '/spark shutdown');
    await playground.waitForMessage('#data', (message) =>
      message.text.includes('shut the python3 kernel down'),
    );
    expect(await kernelIds()).not.toContain(old);
    expect((await run('1')).outcome).toBe('ok');
  });

  test('code in a fence is never a command', async () => {
    const { text } = await run('help');
    expect(text).toContain('Type help()');
  });
});

describe('bad input: one sentence, nothing changed', () => {
  const refused = async (text: string, channel = '#data', user = 'ana'): Promise<string> =>
    (await playground.as(user).slash(channel, text)).text ?? '';

  test('empty code, an unknown language, a channel without the bot and a guest are refused in one sentence', async () => {
    const before = playground.callsOf('chat.postMessage').length;
    expect(await refused('/spark python3')).toContain('There is no code');
    expect(await refused('/spark pyhton3 1+1')).toMatch(
      /Unknown language “pyhton3”\. Did you mean .*python3/,
    );
    expect(await refused('/spark 1+1', '#elsewhere')).toContain('not in this channel');
    expect(await refused('/spark 1+1', '#data', 'gus')).toContain('Guests may not');
    expect(playground.callsOf('chat.postMessage').length).toBe(before);
  });
});

describe('kill -9', () => {
  test('the kernel and its variables are found again; an interrupted snippet is finished once', async () => {
    await run('survivor = 7; runs = 0');
    const code =
      'import time\nruns += 1\nfor i in range(8):\n    print("tick", i, flush=True)\n    time.sleep(0.25)';
    const posted = playground.as('ana').post('#data', mention(code));
    await untilShown(playground, '#data', posted.ts, 'tick 0');
    await bot.kill();
    await bot.restart();
    const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
    expect(outcome).toBe('ok');
    expect(text).toContain('tick 7');
    expect((await run('survivor, runs')).text).toContain('(7, 1)');
    expect(
      playground
        .replies('#data', posted.ts)
        .filter((reply) => reply.metadata?.event_type === 'sparkthread_answer'),
    ).toHaveLength(1);
  });

  test('a repeated delivery after a restart makes no second run', async () => {
    await run('again = 0');
    const first = await run('again += 1');
    await bot.kill();
    await bot.restart();
    for (const delivery of playground.deliveries.filter((each) =>
      JSON.stringify(each).includes('again += 1'),
    ))
      playground.repeat(delivery);
    await playground.waitForQuiet();
    expect((await run('again')).text).toMatch(/│ 1\n/);
    expect(finals(playground, '#data', first.thread)).toHaveLength(1);
  });
});
