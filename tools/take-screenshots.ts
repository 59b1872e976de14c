/**
 * `npm run screenshots [-- name …]`: photographs what people see, all of it or what begins with these names. The docs'
 * own pictures go to `docs/images/`, the rest to `screenshots/`, by day, by night and on a phone.
 */
import { fileURLToPath } from 'node:url';
import type { PageWindow } from '../playground/page-window.ts';
import { answerScenes } from './screenshots/answers.ts';
import { documentScenes } from './screenshots/documents.ts';
import { idleScenes } from './screenshots/idle-kernels.ts';
import { placeScenes, type PlaceScene } from './screenshots/places.ts';
import { rareEndScenes } from './screenshots/rare-ends.ts';
import type { Scene } from './screenshots/scene.ts';
import { shrinkPictures } from './screenshots/shrink-pictures.ts';
import {
  openOn,
  photographRegion,
  photographWindow,
  startStage,
  type Photo,
  type Stage,
} from './screenshots/stage.ts';

const documents = fileURLToPath(new URL('../docs/images/', import.meta.url));
const folder = fileURLToPath(new URL('../screenshots/', import.meta.url));
const wanted = process.argv.slice(2);
const isWanted = ({ name }: { name: string }) =>
  wanted.length === 0 || wanted.some((each) => name.startsWith(each));

const known = [...documentScenes, ...answerScenes, ...idleScenes, ...rareEndScenes, ...placeScenes];
if (!wanted.every((each) => known.some(({ name }) => name.startsWith(each)))) {
  const names = known.map(({ name }) => `  ${name}\n`).join('');
  process.stderr.write(
    `usage: npm run screenshots [-- name …], a name or its beginning being one of\n${names}`,
  );
  process.exit(78);
}

const stage = await startStage();
let isWell = true;
try {
  for (const scene of documentScenes.filter(isWanted))
    await attempt(scene.name, () => scene.take(stage, documents));
  await shrinkPictures(stage.pythonProgram, documents);
  for (const scene of [...answerScenes, ...idleScenes, ...rareEndScenes].filter(isWanted))
    await attempt(scene.name, () => photographAnswer(stage, scene));
  for (const scene of placeScenes.filter(isWanted))
    await attempt(scene.name, () => photographPlace(stage, scene));
} finally {
  await stage.end();
}
process.exitCode = isWell ? 0 : 1;

async function attempt(name: string, photograph: () => Promise<void>): Promise<void> {
  try {
    await photograph();
    process.stdout.write(`${name}\n`);
  } catch (error) {
    isWell = false;
    process.stderr.write(
      `${name}: ${error instanceof Error ? error.message.split('\n', 4).join('\n') : String(error)}\n`,
    );
  }
}

async function photographAnswer({ playground, ...rest }: Stage, scene: Scene): Promise<void> {
  const room = `#${playground.addChannel(scene.name).name}`;
  const { thread, user = 'ana', withChannel = false } = await scene.play({ playground, room });
  await using window: PageWindow = await openOn(
    { playground, ...rest },
    { at: scene.name, thread, user, height: withChannel ? 560 : 1400 },
  );
  await window.thread.locator('.message').nth(1).waitFor();
  await inEachLook(window, scene.name, async (photo) =>
    withChannel
      ? await photographWindow(window, photo)
      : await photographRegion(window, window.thread, photo),
  );
  await clear({ playground, ...rest }, room);
}

/** By day, by night, and on a phone. */
async function inEachLook(
  { page }: PageWindow,
  name: string,
  take: (photo: Photo) => Promise<void>,
): Promise<void> {
  await take({ name, folder });
  await page.emulateMedia({ colorScheme: 'dark' });
  await take({ name: `${name}-dark`, folder });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await take({ name: `${name}-phone`, folder });
}

async function photographPlace(on: Stage, scene: PlaceScene): Promise<void> {
  const room = scene.isInData === true ? 'data' : on.playground.addChannel(scene.name).name;
  await using window = await openOn(on, { at: room, user: scene.user ?? 'ana', height: 640 });
  const region = await scene.play({ window, playground: on.playground, room: `#${room}` });
  await inEachLook(window, scene.name, async (photo) =>
    region === 'window'
      ? await photographWindow(window, photo)
      : await photographRegion(window, region, photo),
  );
  for (const view of on.playground.views.filter(({ open }) => open))
    await on.playground.as(view.userId).close(view);
  if (scene.isInData !== true) await clear(on, `#${room}`);
}

/** Shuts the channel's kernel down and archives the channel, so that later pictures do not show it. */
async function clear({ playground }: Stage, room: string): Promise<void> {
  // The channel is told if a kernel was shut down; the person alone, if there was none.
  const told = (): number => playground.messages(room).length + playground.ephemerals('ana').length;
  const before = told();
  await playground.as('ana').slash(room, '/spark shutdown');
  await playground.waitFor(() => told() > before);
  playground.archive(room);
}
