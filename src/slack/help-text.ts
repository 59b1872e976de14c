/** What `help` says. `command` is the slash command as people type it. */
export function helpText(command: string, botUserId: string): string {
  return [
    '*Run code on the cluster from here.*',
    `• \`${command} python2 sc.parallelize(range(10)).count()\` runs code; without a language it is the one used last.`,
    `• \`${command}\` alone opens an editor.`,
    `• <@${botUserId}> with a code block or a file does the same, and the answer comes into that message’s thread. Several blocks run in order.`,
    '• In a thread with answers, a message that is nothing but a code block runs; `!stop`, `!restart`, `!status`, `!help` are commands there.',
    '• In a direct message everything you write is code.',
    '',
    `*Commands* (after \`${command}\`): \`languages\`, \`status\`, \`history\`, \`use <language>\`, \`auto on\` or \`auto off\`, \`stop\`, \`help\`; for admins \`restart\`, \`shutdown\` and \`kernels\`.`,
    'Code inside a code block or `inline code` is never a command.',
    '',
    '*Good to know:* each channel has one kernel; what one snippet defines, the next one finds. It separates variables, not rights: everyone in the channel can read what it holds, and code may do what the gateway’s account may.',
  ].join('\n');
}
