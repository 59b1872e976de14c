import { type Setting, settings } from '../src/config/settings.ts';

/** Without these the bot does not start in the usual case, so they stand ready to be filled in. */
const toFillIn = new Set(['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'KG_URL']);

/** `.env.example`: every setting with its meaning; what has a default shows it, the rest shows an example. */
export function envExample(): string {
  const groups = [...new Set(settings.map(({ group }) => group))];
  const parts = groups.map((group) => {
    const members = settings.filter((setting) => setting.group === group);
    return [`## ${group}`, ...members.map(lines)].join('\n\n');
  });
  const head = [
    '# Copy to .env and fill in. Written by `npm run docs` from the settings’ own descriptions; docs/configuration.md',
    '# has the same as a table. What stands in the environment wins over this file.',
  ];
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`;
}

function lines({ name, description, example, default: byDefault }: Setting): string {
  if (toFillIn.has(name)) return `# ${description} For example ${example}\n${name}=`;
  const value = byDefault ?? example;
  // Without quotes, which `docker run --env-file` would take as a part of the value.
  return `# ${description}\n# ${name}=${value}`;
}
