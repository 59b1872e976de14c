import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { SLASH_COMMAND } from '../manifest.ts';
import { buttonRow, createValueButton, escapeMrkdwn, section } from './elements.ts';

/** How to use the bot: the help, the welcome, and the question whether a command was meant. */

/** The topics of `help`. */
export const HELP_TOPICS = ['code', 'threads', 'files', 'commands', 'saved', 'kernel'] as const;
export type HelpTopic = (typeof HELP_TOPICS)[number];

/** The answer to `help`, five lines, or to `help threads`. mrkdwn. */
export function helpText(botUserId: string, topic?: HelpTopic): string {
  return (topic === undefined ? overview(botUserId) : TOPICS[topic](botUserId)).join('\n');
}

/** For a channel that the bot was invited to, and for a person's first direct message. mrkdwn. */
export function welcomeText(botUserId: string): string {
  return [
    'Hello! I run code on this team’s cluster and answer in a thread.',
    `Try \`${SLASH_COMMAND} spark.range(10).count()\`, or <@${botUserId}> with a code block; \`${SLASH_COMMAND} help\` tells you more.`,
  ].join('\n');
}

/** How to run code, for the home tab. mrkdwn. */
export function howTo(botUserId: string): string {
  return overview(botUserId).slice(0, 3).join('\n');
}

function overview(botUserId: string): string[] {
  return [
    `• *Run code:* \`${SLASH_COMMAND} spark.range(10).count()\`, or <@${botUserId}> with a code block. \`${SLASH_COMMAND}\` alone opens an editor.`,
    '• *Threads:* in a thread with answers, a code block alone runs. Edit your message to run it again; delete it to remove the answer.',
    `• *Commands:* \`${SLASH_COMMAND} languages\`, \`status\`, \`stop\`, \`history\`; in a thread \`!stop\`, \`!status\`.`,
    '• *Variables:* everyone in this channel shares them. Code may do what the gateway’s account may.',
    `• *More:* ${HELP_TOPICS.map((word) => `\`help ${word}\``).join(', ')}.`,
  ];
}

const TOPICS: Readonly<Record<HelpTopic, (botUserId: string) => string[]>> = {
  code: (botUserId) => [
    '*Running code*',
    `• \`${SLASH_COMMAND} python2 1 + 1\` runs it in that language; leave the language out to use this channel’s default.`,
    `• \`${SLASH_COMMAND} sql select 1\` runs Spark SQL where this channel’s kernel has Spark.`,
    `• <@${botUserId}> with one code block or several: they run in order, and the answer comes into that message’s thread.`,
    '• In a direct message everything you write is code. “Run this code” in a message’s menu runs anybody’s code block.',
    '• What stands in a code block or in `inline code` is never a command.',
  ],
  threads: () => [
    '*Threads*',
    '• In a thread with answers, a message that is nothing but a code block runs, without a mention.',
    '• Code that asks with `input()` is answered by a reply in its thread, or by the Answer button; a password by the button alone.',
    '• `!stop`, `!restart`, `!status`, `!help`, `!save &lt;name&gt;` and `!export` are commands there.',
    '• Edit your message to run it again into the same answer; delete it to remove the answer.',
  ],
  files: (botUserId) => [
    '*Files*',
    `• Post a \`.py\`, \`.scala\`, \`.r\`, \`.sql\` or \`.txt\` file, or a snippet, with <@${botUserId}>, and it runs.`,
    '• A `.ipynb` notebook runs its code cells in order, stops at the first that fails (not at one tagged `raises-exception`), and comes back with their outputs; `key=value` beside it goes behind its parameters cell.',
    '• `!export` in a thread, or Export as notebook in the menu of an answer, puts its runs into one notebook; `export today` sends you those of this channel.',
    '• The editor takes a file, too. Long output, pictures and tables as CSV come back as files in the thread.',
  ],
  commands: (botUserId) => [
    `*Commands* (after \`${SLASH_COMMAND}\`, or after <@${botUserId}>)`,
    '• `languages`, `status`, `history`, `stop` (your run), `help`',
    '• `use &lt;language&gt;` sets this channel’s default language; `auto on|off`: code blocks here run without a mention.',
    '• For admins: `restart`, `shutdown` (also with a language, or `#channel`), `kernels`, `stop` (anybody’s run).',
  ],
  saved: () => [
    '*Saved code*',
    '• `save &lt;name&gt;` keeps the code of your last run here for this channel, and so does Save in the menu of an answer.',
    '• `saved` lists it, `run &lt;name&gt; key=value …` runs it with these values put in, `forget &lt;name&gt;` erases it.',
    '• `schedule &lt;name&gt; weekdays 8:00 key=value …` runs it by itself (also `daily 7:30`, `mondays 9:00`, `hourly`, `every 30 min`, a cron line in quotes; `only on failure` keeps good runs quiet).',
    '• `schedules` lists them with buttons, `unschedule &lt;number&gt;` removes one.',
  ],
  kernel: () => [
    '*The kernel*',
    '• Each channel has its own kernel: what one snippet defines, the next one finds. Nothing is private in it.',
    '• It separates variables, not rights: code may do what the gateway’s account may.',
    '• One run at a time, first come first served. While you wait you see your place in the queue, and you can ask the person in front.',
    '• When nobody uses it for long it is shut down, after a warning in the channel with a Keep button.',
  ],
};

/**
 * The text that was nearly a command, and where it would run: in `thread`, or under a root message of the bot if
 * `thread` is ''. The channel is named because the question may have gone to the person's direct messages.
 */
const nearSchema = z.object({
  text: z.string(),
  requestKey: z.string(),
  channel: z.string(),
  thread: z.string(),
});
type NearCode = z.infer<typeof nearSchema>;
export const runAsCodeButton = createValueButton('near:run', 'Run as code', nearSchema);

/** "Did you mean restart?", with a button that runs the text as code. */
export function renderNearCommand(meant: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  return askBack(`Did you mean \`${escapeMrkdwn(meant)}\`? Nothing ran.`, code);
}

/** Another question (mrkdwn) about such a text, with the same button. */
export function askBack(text: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  const run = runAsCodeButton.render(code);
  // Slack takes 2,000 characters in a button's value; a longer text is no typo.
  const isShort = (run.value ?? '').length <= 2_000;
  return { text, blocks: [section(text), ...(isShort ? [buttonRow(run)] : [])] };
}
