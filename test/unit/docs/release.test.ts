import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { dateChangelog } from '../../../tools/date-changelog.ts';

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

test.each([
  ['ci', / \.ci\/run$/],
  ['nightly', / \.ci\/run nightly$/],
])('the workflow %s runs `.ci/run`, and takes actions by their digest alone', (name, command) => {
  const workflow = z
    .object({
      permissions: z.object({ contents: z.literal('read') }).strict(),
      jobs: z.record(
        z.string(),
        z.object({ steps: z.array(z.object({ run: z.string(), uses: z.string() }).partial()) }),
      ),
    })
    .parse(parse(read(`.github/workflows/${name}.yml`)));
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  expect(steps.flatMap(({ run }) => run ?? [])).toEqual([expect.stringMatching(command)]);
  const actions = steps.flatMap(({ uses }) => uses ?? []);
  expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(action).toMatch(/^actions\/[\w-]+@[\da-f]{40}$/);
});

test('every kind of dependency is updated', () => {
  const { updates } = z
    .object({ updates: z.array(z.object({ 'package-ecosystem': z.string() })) })
    .parse(parse(read('.github/dependabot.yml')));
  const kinds = updates.map((update) => update['package-ecosystem']);
  expect(kinds.toSorted()).toEqual(['docker', 'github-actions', 'npm', 'pip']);
});

test('a release dates the newest heading of the changelog, and no other', () => {
  const text = '# Changes\n\n## 1.1.0, not yet released\n\n- new\n\n## 1.0.0, 2026-01-02\n';
  expect(dateChangelog(text, '1.1.0', '2026-11-29')).toBe(
    '# Changes\n\n## 1.1.0, 2026-11-29\n\n- new\n\n## 1.0.0, 2026-01-02\n',
  );
  expect(() => dateChangelog(text, '1.2.0', '2026-11-29')).toThrow('what is released is 1.2.0');
  const released = text.replace(', not yet released', ', 2026-02-03');
  expect(() => dateChangelog(released, '1.1.0', '2026-11-29')).toThrow(
    'CHANGELOG.md begins with “## 1.1.0, 2026',
  );
});

test('the changelog begins with the version that package.json has', () => {
  const [heading] = /^## .*$/m.exec(read('CHANGELOG.md')) ?? [];
  expect(heading).toMatch(new RegExp(`^## ${packageJson.version.replaceAll('.', '\\.')}, `));
});
