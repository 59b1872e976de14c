import { type Action, actions, type Person, type PolicySettings, refuse } from '../src/slack/auth/policy.ts';

/** `docs/policy.md`: who may do what, computed by the policy itself. */
export function policyPage(): string {
  const head = `| | ${Object.keys(roles).join(' | ')} |\n|---|${'---|'.repeat(Object.keys(roles).length)}`;
  const rows = actions.map(
    (action) =>
      `| ${words[action]} | ${Object.values(roles)
        .map((person) => answer(action, person))
        .join(' | ')} |`,
  );
  return `# Who may do what

<!-- Written by \`npm run docs\` from src/slack/auth/policy.ts. -->

Checked for every command, code and button anew, wherever it comes from. With the default settings:

${head}
${rows.join('\n')}

- ① with \`RESTART_BY=anyone\`.
- An admin is an admin or owner of this workspace, or somebody in \`ADMINS\` (user ids and user group ids). Nobody from
  another workspace is an admin by role.
- Guests, people of other workspaces and bots may do what a member may once \`ALLOW_GUESTS\`, \`ALLOW_EXTERNAL\` or
  \`ALLOWED_BOTS\` lets them.
- \`ALLOWED_CHANNELS\` and \`ALLOWED_USERS\` narrow all of this, for admins too. Bots are bound by the first; their list
  of names is \`ALLOWED_BOTS\`.
- In a channel that is shared with another organisation nothing runs unless \`ALLOW_EXTERNAL\` is set: its people would read
  the output.
- Somebody whom Slack does not tell us about, or whose account is deactivated, may do nothing.
- What the kernel may do is another matter: see “Security” in the README.
`;
}

const words: Record<Action, string> = {
  run: 'run code, `run`, `schedule`',
  look: '`help`, `languages`, `status`, `history`, `export`, `saved`, `schedules`, the home tab, Ask',
  choose: '`use`, `auto`, `save`',
  stopOwn: 'stop their own run',
  stopOthers: 'stop somebody else’s run',
  answerOwn: 'answer what their own run asks (`input()`)',
  answerOthers: 'answer what somebody else’s run asks',
  deleteOwn: 'delete their own answer',
  deleteOthers: 'delete somebody else’s answer',
  forgetOwn: '`forget` what they saved themselves',
  forgetOthers: '`forget` or replace what somebody else saved',
  changeOwnSchedule: 'pause, resume and `unschedule` their own schedule',
  changeOthersSchedule: 'pause, resume and `unschedule` somebody else’s schedule',
  restart: '`restart`',
  shutDown: '`shutdown`',
  switch: 'replace the channel’s kernel by another language',
  switchOwn: 'the same, where nobody else has run code in it',
  keep: 'keep an idle kernel',
  listKernels: '`kernels`',
  otherChannels: '`restart #channel`, `shutdown #channel`',
};

const member: Person = {
  id: 'U1',
  isWorkspaceAdmin: false,
  isGuest: false,
  isExternal: false,
  isBot: false,
  isUnknown: false,
  ids: ['U1'],
};

const roles: Readonly<Record<string, Person>> = {
  member,
  admin: { ...member, isWorkspaceAdmin: true },
  guest: { ...member, isGuest: true },
  'other workspace': { ...member, isExternal: true, isWorkspaceAdmin: true },
  bot: { ...member, isBot: true },
};

const byDefault: PolicySettings = {
  admins: [],
  restartBy: 'admins',
  allowedChannels: undefined,
  allowedUsers: undefined,
  allowedBots: [],
  allowGuests: false,
  allowExternal: false,
};

function answer(action: Action, person: Person): string {
  if (refuse(action, person, 'C1', byDefault) === undefined) return 'yes';
  return refuse(action, person, 'C1', { ...byDefault, restartBy: 'anyone' }) === undefined ? '①' : '–';
}
