import { randomUUID } from 'node:crypto';
import type { SlackMessage } from '../../../playground/messages.ts';
import type { RunAction } from '../../../src/runs/run-view.ts';
import type { Source } from '../../../src/runs/run.ts';
import type { KernelAction } from '../../../src/slack/blocks/kernel-blocks.ts';
import type { Command } from '../../../src/slack/parsing/command.ts';
import type { LogLine } from '../../support/start-bot.ts';
import { buttonsOf, fence, type Rig } from './listeners-rig.ts';
import type { WordGateway } from './scripted-kernel.ts';

/** Who tries, and where. `rob` is a member who has run code before; `oli` is an owner. */
export interface Scene {
  user: string;
  rig: Rig;
  gateway: WordGateway;
  /** A channel by its purpose, made when it is first needed. The person is a member of all but `away`. */
  room: (purpose: string) => string;
  /** A channel that was made before anybody was looked up, because the bot remembers for a while who is where. */
  picked: string;
}

/** One way to do something. Resolves with whether it was allowed. */
export interface Deed {
  by:
    | `source ${Source}`
    | `button ${RunAction | KernelAction | 'keep'}`
    | `command ${Exclude<Command['kind'], 'malformed' | 'near'>}`
    | 'home'
    | 'global shortcut';
  /** Needs a run of the person's own, so nobody can try it who may not run code. */
  needsOwnRun?: true;
  attempt(scene: Scene): Promise<boolean>;
}

export function setScene(user: string, place: Pick<Scene, 'rig' | 'gateway'>): Scene {
  return { ...place, user, room: roomsOf(user, place.rig), picked: openRoom(user, 'picked', place.rig) };
}

/** The same in fresh channels, because Slack accepts one message a second in each. */
export function elsewhere(scene: Scene): Scene {
  return { ...scene, room: roomsOf(scene.user, scene.rig) };
}

function roomsOf(user: string, rig: Rig): Scene['room'] {
  const rooms = new Map<string, string>();
  return (purpose) => {
    const room = rooms.get(purpose) ?? openRoom(user, purpose, rig);
    rooms.set(purpose, room);
    return room;
  };
}

function openRoom(user: string, purpose: string, { playground }: Rig): string {
  const name = `${user}-${purpose}-${playground.service.world.nextTs().replace('.', '-')}`;
  const guests = purpose === 'away' ? [] : [user];
  playground.addChannel(name, { members: [...guests, 'rob', 'oli', 'deploybot', 'sparkthread'] });
  return `#${name}`;
}

const refusal =
  /may not (?:be )?use|not on the list of people|Only admins may|Only the person who ran|You have no unfinished run/;

/** Does something and tells whether it was allowed: true once `isDone`, false once the person reads a refusal. */
export async function tryIt(
  { user, rig }: Scene,
  act: () => unknown,
  isDone: (heard: readonly string[]) => boolean,
): Promise<boolean> {
  const before = new Set(saidTo(user, rig));
  await act();
  const found = await rig.playground.waitFor(() => {
    const heard = saidTo(user, rig)
      .filter((message) => !before.has(message))
      .map(({ text }) => text);
    if (heard.some((text) => refusal.test(text))) return 'refused';
    return isDone(heard) ? 'done' : undefined;
  });
  return found === 'done';
}

/** The same for actions that are always answered in words. */
export async function asks(scene: Scene, act: () => unknown): Promise<boolean> {
  return await tryIt(scene, act, (heard) => heard.length > 0);
}

/** What the bot told this person alone, and in their direct messages. */
function saidTo(user: string, { playground }: Rig): readonly { text: string }[] {
  const { world } = playground.service;
  const direct = world.direct(playground.user(user).id, playground.bot.id);
  const answers = playground.messages(direct.id).filter(({ user: by }) => by === playground.bot.id);
  return [...playground.ephemerals(user), ...answers];
}

/** The same for actions that leave an audit line of this person in this room. */
export async function acts(
  scene: Scene,
  audit: string,
  room: string,
  act: () => unknown,
  more: Readonly<Record<string, unknown>> = {},
): Promise<boolean> {
  const { bot, playground } = scene.rig;
  const channel = playground.channel(room).id;
  const wanted = { audit, user: playground.user(scene.user).id, channel, ...more };
  const fits = (line: LogLine): boolean =>
    Object.entries(wanted).every(([key, value]) => line[key] === value);
  const since = bot.log.length;
  void bot.untilLog(fits, since).then(() => playground.service.changes.announce());
  return await tryIt(scene, act, () => bot.log.slice(since).some(fits));
}

/** Code of this person that hangs or asks: its answer, with the button that goes with it. */
export async function start(
  { rig, gateway }: Scene,
  user: string,
  room: string,
  word: 'hang' | 'ask',
): Promise<SlackMessage> {
  const { playground } = rig;
  const code = `${word} ${randomUUID()}`;
  const root = playground.as(user).post(room, fence(code, '@sparkthread '));
  const button = word === 'ask' ? 'run:answerInput' : 'run:stop';
  const live = await playground.waitForReply(room, root.ts, (reply) => buttonsOf(reply).includes(button));
  await gateway.untilBegun(code);
  return live;
}

/** The same before Slack was told anything of it: once it runs. Gives the message that it came from. */
export async function begin({ rig, gateway }: Scene, user: string, room: string): Promise<SlackMessage> {
  const code = `hang ${randomUUID()}`;
  const root = rig.playground.as(user).post(room, fence(code, '@sparkthread '));
  await gateway.untilBegun(code);
  return root;
}
