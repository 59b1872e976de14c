import { slashCommand } from '../manifest.ts';

/** What `help` says. */
export function helpText(botUserId: string): string {
  return [
    '*Run code on the cluster from here.*',
    `• \`${slashCommand} python2 sc.parallelize(range(10)).count()\` runs code; leave the language out to use this channel’s default. \`${slashCommand}\` alone opens an editor.`,
    `• <@${botUserId}> with a code block does the same, and the answer comes into that message’s thread. Several blocks run in order; a \`.py\`, \`.scala\`, \`.r\` or \`.txt\` file or a snippet runs too.`,
    '• Edit your message and it runs again into the same answer; delete it and the answer goes.',
    '• In a thread with answers, a message that is nothing but a code block runs; `!stop`, `!restart`, `!status`, `!help`, `!save &lt;name&gt;` are commands there.',
    '• “Run this code” in a message’s menu runs anybody’s code block. In a direct message everything you write is code.',
    '',
    `*Commands* (after \`${slashCommand}\`): \`languages\`, \`status\`, \`history\`, \`use &lt;language&gt;\`, \`auto on|off\` (code blocks run without a mention), \`stop\`, \`help\`; for admins \`restart\`, \`shutdown\` (both also with \`#channel\`) and \`kernels\`.`,
    '*Saved code:* `save &lt;name&gt;` keeps the code of your last run here for this channel (so does Save in the menu of an answer), `saved` lists, `run &lt;name&gt; key=value …` runs it with these values put in, `forget &lt;name&gt;` erases it.',
    '*Schedules:* `schedule &lt;name&gt; weekdays 8:00 key=value …` runs what is saved (`daily 7:30`, `mondays 9:00`, `hourly`, `every 30 min`, a cron line in quotes; `only on failure` behind it keeps good runs quiet); `schedules` lists them with buttons, `unschedule &lt;number&gt;` removes one.',
    'Code inside a code block or `inline code` is never a command.',
    '',
    '*Good to know:* each channel has one kernel; what one snippet defines, the next one finds. It separates variables, not rights: everyone in the channel can read what it holds, and code may do what the gateway’s account may.',
  ].join('\n');
}
