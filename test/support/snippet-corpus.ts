import { compose, composeSlash, type Typed } from './slack-composer.ts';
import { typedCode } from './typed-code.ts';

/** A message as Slack sends it, and the code that has to reach the kernel. */
export interface SnippetCase {
  name: string;
  wayIn: 'mention' | 'direct' | 'thread' | 'slash';
  /** `text` alone for a slash command. */
  event: { text: string; blocks?: object[] };
  expect:
    | { language?: string; syntax?: string; blocks: readonly string[] }
    | { command: object }
    | { refused: string }
    /** Nothing that runs. */
    | { silent: true };
}

/** Every piece of code through every kind of payload that Slack has for it. */
export function composedCases(): SnippetCase[] {
  return typedCode.flatMap(({ name, code, onlyRich = false }) => {
    // Line ends become LF; everything else arrives as typed.
    const arrived = code.replaceAll(/\r\n?/g, '\n');
    const fence: Typed = { fence: code };
    const asked: Typed[] = [{ bare: '@sparkthread python2 ' }, fence];
    const cases: SnippetCase[] = [
      {
        name: `${name}: a fence after a mention`,
        wayIn: 'mention',
        event: compose(asked),
        expect: { language: 'python2', blocks: [arrived] },
      },
      {
        name: `${name}: a fence in a thread`,
        wayIn: 'thread',
        event: compose([fence]),
        expect: { blocks: [arrived] },
      },
    ];
    if (onlyRich) return cases;
    cases.push(
      {
        name: `${name}: a fence in plain text`,
        wayIn: 'direct',
        event: { text: compose([fence]).text },
        expect: { blocks: [arrived] },
      },
      {
        name: `${name}: a fence after a slash command`,
        wayIn: 'slash',
        event: { text: composeSlash([{ bare: 'python2 ' }, fence]) },
        expect: { language: 'python2', blocks: [arrived] },
      },
    );
    if (!/[`\r\n]/.test(code))
      cases.push({
        name: `${name}: inline code in a direct message`,
        wayIn: 'direct',
        event: compose([{ inline: code }]),
        expect: { blocks: [arrived] },
      });
    return cases;
  });
}
