import { globSync, readFileSync } from 'node:fs';
import { readTexts } from './read-texts.ts';

const SRC = new URL('../src/', import.meta.url);

/** The rooms whose texts people in Slack can read. Their log lines are for operators. */
const ROOMS = [
  'slack/{auth,blocks,listeners,messages,parsing,api}',
  'runs',
  'saved',
  'output/errors',
  'gateway',
];

/** `docs/texts.md`: every text that a user can meet, by the file that says it. */
export function textsPage(): string {
  const files = globSync(
    ROOMS.map((room) => `${room}/**/*.ts`),
    { cwd: SRC },
  ).toSorted();
  const sections = files.flatMap((file) => {
    const texts = [...new Set(readTexts(readFileSync(new URL(file, SRC), 'utf8')))];
    return texts.length === 0 ? [] : [`## ${file}`, '', ...texts.map((text) => `- ${shown(text)}`), ''];
  });
  return [
    '# What people can read in Slack',
    '',
    'Written by `npm run docs` from the code: every sentence and label that can reach a person, to be read in one go. `…` stands for',
    'what is put in. Read it when you change a text; one word for one thing.',
    '',
    ...sections,
  ].join('\n');
}

/** As code, so that it is read as it is. */
function shown(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}
