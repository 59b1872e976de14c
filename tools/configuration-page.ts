import { type Setting, settings } from '../src/config/settings.ts';

/** `docs/configuration.md`: every setting as a table row. */
export function configurationPage(): string {
  const groups = [...new Set(settings.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const rows = settings.filter((setting) => setting.group === group).map(row);
    return [
      `## ${group}`,
      '',
      '| setting | meaning | default | example |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n');
  });
  return `${[head, ...tables].join('\n\n')}\n`;
}

const head = `# Settings

<!-- Written by \`npm run docs\` from the settings' own descriptions. -->

Sparkthread reads its settings from the environment, and from a file \`.env\` in the working directory where there is
one; the environment wins. An empty variable counts as absent. All mistakes are told at once, and the process ends
with exit code 78. A name that is nearly a setting's is warned of.

- Durations: \`90s\`, \`10m\`, \`12h\`, \`30d\`; a bare number is seconds. At most \`24d\`, except KEEP_RUNS and NOTIFY_AFTER.
- Sizes: \`32MB\`, \`1GB\`, \`1MiB\`; a bare number is bytes.
- Lists are separated by commas.
- Settings marked 🔒 are never logged nor repeated in a complaint. Each of them may lie in a file, as Docker's and
  Kubernetes' secrets do: \`SLACK_BOT_TOKEN_FILE=/run/secrets/slack\` in place of \`SLACK_BOT_TOKEN\`. It is read at the start;
  KG_AUTH_TOKEN_FILE alone is read again when it changes.`;

function row({ name, description, example, default: byDefault, secret }: Setting): string {
  const lock = secret === true ? ' 🔒' : '';
  return `| \`${name}\`${lock} | ${cell(description)} | ${byDefault === undefined ? '' : `\`${cell(byDefault)}\``} | \`${cell(example)}\` |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
