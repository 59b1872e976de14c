import type { Block } from '../../../playground/blocks-schema.ts';
import type { Ephemeral, SlackMessage } from '../../../playground/messages.ts';
import type { UserClient } from '../../../playground/user-client.ts';
import type { Source } from '../../../src/runs/run.ts';
import type { Action } from '../../../src/slack/auth/policy.ts';
import type { KernelAction } from '../../../src/slack/blocks/kernel-blocks.ts';
import { readCommand } from '../../../src/slack/parsing/command.ts';
import { buttonsOf, fence } from './listeners-rig.ts';
import { exportRuns } from './policy-export.ts';
import { forgetOthers, forgetOwn, keepSaved, listSaved, runSaved } from './policy-saved.ts';
import { acts, asks, begin, type Deed, type Scene, start, tryIt } from './policy-scene.ts';
import { changeOthersSchedule, changeOwnSchedule, listSchedules, runScheduled } from './policy-schedules.ts';

/** Each action of the table, tried at every source, command and button that it has. */
export const deeds: Readonly<Record<Action, readonly Deed[]>> = {
  run: [
    atDoor('slash', 'code', ({ as, room }) => as.slash(room, '/spark 1')),
    atDoor('mention', 'code', ({ as, room }) => as.post(room, fence('1', '@sparkthread '))),
    atDoor('direct', undefined, ({ as }) => as.post('@sparkthread', fence('1'))),
    atDoor('file', 'code', ({ as, room }) => as.upload(room, { name: 'x.py', content: '1' }, '@sparkthread')),
    {
      by: 'source thread',
      attempt: async (scene) => {
        const { root } = await scene.rig.slash('rob', scene.room('more'), '/spark 1');
        const post = () => person(scene).post(scene.room('more'), fence('1'), { thread: root.ts });
        return await silently(scene, 'more', 'thread', post);
      },
    },
    {
      by: 'source auto',
      attempt: async (scene) => {
        await scene.rig.playground.as('rob').slash(scene.room('auto'), '/spark auto on');
        return await silently(scene, 'auto', 'auto', () =>
          person(scene).post(scene.room('auto'), fence('1')),
        );
      },
    },
    {
      by: 'source editor',
      attempt: async (scene) => {
        if (!(await opensModal(scene, () => person(scene).slash(scene.room('code'), '/spark')))) return false;
        return await submitsCode(scene, scene.room('code'), {});
      },
    },
    {
      by: 'global shortcut',
      attempt: async (scene) => {
        if (!(await opensModal(scene, () => person(scene).globalShortcut('open_editor')))) return false;
        const { id: channel } = scene.rig.playground.channel(scene.picked);
        return await submitsCode(scene, scene.picked, { channel });
      },
    },
    {
      by: 'source shortcut',
      attempt: async (scene) => {
        const message = scene.rig.playground.as('rob').post(scene.room('more'), fence('2'));
        const choose = () => person(scene).messageShortcut('run_message', message);
        return await acts(scene, 'run', scene.room('more'), choose, { source: 'shortcut' });
      },
    },
    {
      by: 'source edit',
      attempt: async (scene) => {
        const post = () => person(scene).post(scene.room('more'), fence('1', '@sparkthread '));
        let posted: SlackMessage | undefined;
        await acts(scene, 'run', scene.room('more'), () => (posted = post()));
        const edit = () => posted && person(scene).edit(posted, fence('2', '@sparkthread '));
        return await acts(scene, 'run', scene.room('more'), edit);
      },
    },
    {
      by: 'source again',
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash('rob', scene.room('code'), '/spark 1');
        const press = () => person(scene).press(answer, 'run:runAgain');
        return await acts(scene, 'run', scene.room('code'), press, { source: 'again' });
      },
    },
    {
      by: 'button runAgain',
      needsOwnRun: true,
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash(scene.user, scene.room('own'), '/spark 1');
        const press = () => person(scene).press(answer, 'run:runAgain');
        return await acts(scene, 'run', scene.room('own'), press, { source: 'again' });
      },
    },
    {
      by: 'button allRows',
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash('rob', scene.room('frames'), '/spark 1');
        const run = String(answer.metadata?.event_payload?.['run']);
        const table = { ...answer, blocks: [button('run:allRows', `${run}|01234567`)] };
        const press = () => person(scene).press(table, 'run:allRows');
        return await acts(scene, 'run', scene.room('frames'), press, { source: 'again' });
      },
    },
    {
      by: 'button editAndRun',
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash('rob', scene.room('code'), '/spark 1');
        if (!(await opensModal(scene, () => person(scene).press(answer, 'run:editAndRun')))) return false;
        return await submitsCode(scene, scene.room('code'), {});
      },
    },
    ...runSaved,
    ...runScheduled,
  ],
  look: [
    ...listSaved,
    ...exportRuns,
    ...listSchedules,
    ...said(['help', 'languages', 'status', 'history']),
    ...inThread(['help', 'status']),
    {
      by: 'home',
      attempt: async (scene) => {
        const as = person(scene);
        const before = as.home?.hash;
        as.openHome();
        await scene.rig.playground.waitFor(() => as.home?.hash !== before);
        return JSON.stringify(as.home?.draft.blocks).includes('Kernels of your channels');
      },
    },
    {
      by: 'button ask',
      needsOwnRun: true,
      attempt: async (scene) => {
        const { playground } = scene.rig;
        const first = await start(scene, 'rob', scene.room('mine'), 'hang');
        await person(scene).press(await wait(scene, scene.user, 'mine'), 'run:ask');
        const isTold = ({ text }: Ephemeral): boolean => text.includes('asked');
        const told = await playground.waitForEphemeral(scene.user, isTold);
        await endOf(scene, first);
        return told.text.includes('was asked, by direct message');
      },
    },
  ],
  choose: [...chosen(['use python3', 'auto off']), ...keepSaved],
  stopOwn: [
    {
      by: 'button stop',
      needsOwnRun: true,
      attempt: async (scene) => {
        const live = await start(scene, scene.user, scene.room('own'), 'hang');
        return await stops(scene, 'own', () => person(scene).press(live, 'run:stop'));
      },
    },
    {
      by: 'button cancel',
      needsOwnRun: true,
      attempt: async (scene) => {
        const first = await start(scene, 'rob', scene.room('mine'), 'hang');
        const waiting = await wait(scene, scene.user, 'mine');
        const isAllowed = await stops(scene, 'mine', () => person(scene).press(waiting, 'run:cancel'));
        await endOf(scene, first);
        return isAllowed;
      },
    },
    {
      by: 'command stop',
      needsOwnRun: true,
      attempt: async (scene) => {
        await begin(scene, scene.user, scene.room('own'));
        return await stops(scene, 'own', () => person(scene).slash(scene.room('own'), '/spark stop'));
      },
    },
    {
      by: 'command stop',
      needsOwnRun: true,
      attempt: async (scene) => {
        const { ts: thread } = await begin(scene, scene.user, scene.room('own'));
        return await stops(scene, 'own', () => person(scene).post(scene.room('own'), '!stop', { thread }));
      },
    },
  ],
  stopOthers: [
    {
      by: 'button cancel',
      attempt: async (scene) => {
        const first = await start(scene, 'rob', scene.room('others'), 'hang');
        const waiting = await wait(scene, 'rob', 'others');
        const press = () => person(scene).press(waiting, 'run:cancel');
        const isAllowed = await acts(scene, 'stop', scene.room('others'), press);
        await endOf(scene, first);
        return isAllowed;
      },
    },
    {
      by: 'button stop',
      attempt: async (scene) => {
        const live = await start(scene, 'rob', scene.room('others'), 'hang');
        const press = () => person(scene).press(live, 'run:stop');
        const isAllowed = await acts(scene, 'stop', scene.room('others'), press);
        await endOf(scene, live);
        return isAllowed;
      },
    },
    {
      by: 'command stop',
      attempt: async (scene) => {
        const { ts: thread } = await begin(scene, 'rob', scene.room('mine'));
        const isAllowed = await acts(scene, 'stop', scene.room('mine'), () =>
          person(scene).post(scene.room('mine'), '!stop', { thread }),
        );
        if (!isAllowed) await scene.rig.playground.as('oli').slash(scene.room('mine'), '/spark stop');
        return isAllowed;
      },
    },
    {
      by: 'command stop',
      attempt: async (scene) => {
        await begin(scene, 'rob', scene.room('mine'));
        const isAllowed = await acts(scene, 'stop', scene.room('mine'), () =>
          person(scene).slash(scene.room('mine'), '/spark stop'),
        );
        if (!isAllowed) await scene.rig.playground.as('oli').slash(scene.room('mine'), '/spark stop');
        return isAllowed;
      },
    },
  ],
  answerOwn: [
    {
      by: 'button answerInput',
      needsOwnRun: true,
      attempt: async (scene) => {
        await scene.rig.slash('oli', scene.room('own'), '/spark 1');
        const asking = await start(scene, scene.user, scene.room('own'), 'ask');
        const isAllowed = await opensModal(scene, () => person(scene).press(asking, 'run:answerInput'));
        await endOf(scene, asking);
        return isAllowed;
      },
    },
  ],
  answerOthers: [
    {
      by: 'button answerInput',
      attempt: async (scene) => {
        await scene.rig.slash('oli', scene.room('mine'), '/spark 1');
        const asking = await start(scene, 'rob', scene.room('mine'), 'ask');
        const isAllowed = await opensModal(scene, () => person(scene).press(asking, 'run:answerInput'));
        await endOf(scene, asking);
        return isAllowed;
      },
    },
  ],
  deleteOwn: [
    {
      by: 'button delete',
      needsOwnRun: true,
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash(scene.user, scene.room('own'), '/spark 1');
        return await tryIt(
          scene,
          () => person(scene).press(answer, 'run:delete'),
          () => isGone(scene, answer),
        );
      },
    },
  ],
  deleteOthers: [
    {
      by: 'button delete',
      attempt: async (scene) => {
        const { answer } = await scene.rig.slash('rob', scene.room('mine'), '/spark 1');
        const isAllowed = await acts(scene, 'delete', scene.room('mine'), () =>
          person(scene).press(answer, 'run:delete'),
        );
        if (isAllowed) await scene.rig.playground.waitFor(() => isGone(scene, answer));
        return isAllowed;
      },
    },
  ],
  forgetOwn,
  forgetOthers,
  changeOwnSchedule,
  changeOthersSchedule,
  restart: [
    onKernel('restart', 'kernel', ({ as, room }) => as.slash(room, '/spark restart')),
    onKernel('restart', 'kernel', ({ as, room }) => as.post(room, '@sparkthread restart')),
    onKernel('restart', 'kernel', ({ as, room, root }) => as.post(room, '!restart', { thread: root.ts })),
    onKernelButton('restart', 'kernel'),
    {
      by: 'button restart',
      attempt: async (scene) => {
        const live = await start(scene, 'rob', scene.room('own'), 'hang');
        // As the answer looks after a stop has had no effect for 10 s.
        const ignored = { ...live, blocks: [button('run:restart', `${runOf(live)}|running`)] };
        const press = () => person(scene).press(ignored, 'run:restart');
        const isAllowed = await acts(scene, 'restart', scene.room('own'), press);
        await endOf(scene, live);
        return isAllowed;
      },
    },
  ],
  shutDown: [
    onKernel('shutdown', 'kernel', ({ as, room }) => as.slash(room, '/spark shutdown')),
    onKernel('shutdown', 'kernel', ({ as, room }) => as.post(room, '@sparkthread shutdown')),
    onKernelButton('shutdown', 'kernel'),
  ],
  switch: [
    {
      by: 'button switch',
      attempt: async (scene) => {
        await scene.rig.slash('oli', scene.room('switch'), '/spark python3 1');
        const asked = await asksToSwitch(scene, 'oli', 'switch');
        const isAllowed = await acts(scene, 'switch', scene.room('switch'), () =>
          person(scene).press(asked, 'run:switch'),
        );
        if (!isAllowed) await scene.rig.playground.as('oli').press(asked, 'run:switch');
        await scene.rig.bot.untilLog(({ audit, run }) => audit === 'run' && run === runOf(asked));
        return isAllowed;
      },
    },
  ],
  switchOwn: [
    {
      by: 'button switch',
      needsOwnRun: true,
      attempt: async (scene) => {
        await scene.rig.playground.as('oli').slash(scene.room('own'), '/spark shutdown');
        await scene.rig.slash(scene.user, scene.room('own'), '/spark python3 1');
        const asked = await asksToSwitch(scene, scene.user, 'own');
        return await acts(scene, 'run', scene.room('own'), () => person(scene).press(asked, 'run:switch'));
      },
    },
  ],
  keep: [
    {
      by: 'button keep',
      attempt: async (scene) => {
        const { playground } = scene.rig;
        const warning = await playground.waitForMessage(scene.room('idle'), (message) =>
          buttonsOf(message).includes('kernel:keep'),
        );
        return await tryIt(
          scene,
          () => person(scene).press(warning, 'kernel:keep'),
          () => warning.text.includes('kept the kernel'),
        );
      },
    },
  ],
  listKernels: said(['kernels']),
  otherChannels: [
    onKernel('restart', 'away', ({ as, away, here }) => as.slash(here, `/spark restart ${away}`)),
    onKernel('shutdown', 'away', ({ as, away, here }) => as.slash(here, `/spark shutdown ${away}`)),
    onKernelButton('restart', 'away'),
    onKernelButton('shutdown', 'away'),
  ],
};

interface Asked {
  as: UserClient;
  room: string;
}

function person({ rig, user }: Scene): UserClient {
  return rig.playground.as(user);
}

/** `room` undefined: the direct messages with the bot. */
function atDoor(source: Source, room: 'code' | undefined, act: (asked: Asked) => unknown): Deed {
  return {
    by: `source ${source}`,
    async attempt(scene) {
      const place =
        room === undefined
          ? scene.rig.playground.service.world.direct(person(scene).user.id, scene.rig.playground.bot.id).id
          : scene.room(room);
      return await acts(scene, 'run', place, () => act({ as: person(scene), room: place }), { source });
    },
  };
}

/** The bot says nothing if it is not addressed. Whether the code ran is known once rob's next snippet has run. */
async function silently(
  scene: Scene,
  room: 'more' | 'auto',
  source: Source,
  act: () => unknown,
): Promise<boolean> {
  const { playground, bot } = scene.rig;
  const since = bot.log.length;
  await act();
  await playground.waitForQuiet();
  await scene.rig.slash('rob', scene.room(room), '/spark 1');
  const { id } = person(scene).user;
  return bot.log
    .slice(since)
    .some((line) => line['audit'] === 'run' && line['user'] === id && line['source'] === source);
}

/** Commands after the slash and after a mention. */
function said(typed: readonly string[]): Deed[] {
  return typed.flatMap((words): Deed[] => {
    const by = commandOf(words);
    return [
      {
        by,
        attempt: async (scene) =>
          await asks(scene, () => person(scene).slash(scene.room('code'), `/spark ${words}`)),
      },
      {
        by,
        attempt: async (scene) =>
          await asks(scene, () => person(scene).post(scene.room('more'), `@sparkthread ${words}`)),
      },
    ];
  });
}

/** What a channel chooses is told to the channel, and audited. */
function chosen(typed: readonly string[]): Deed[] {
  return typed.flatMap((words): Deed[] => {
    const by = commandOf(words);
    const audit = words.split(' ')[0] ?? '';
    return (['code', 'more'] as const).map((room) => ({
      by,
      attempt: async (scene) =>
        await acts(scene, audit, scene.room(room), () =>
          room === 'code'
            ? person(scene).slash(scene.room(room), `/spark ${words}`)
            : person(scene).post(scene.room(room), `@sparkthread ${words}`),
        ),
    }));
  });
}

function inThread(typed: readonly string[]): Deed[] {
  return typed.map((words) => ({
    by: commandOf(words),
    attempt: async (scene) => {
      const { root } = await scene.rig.slash('rob', scene.room('more'), '/spark 1');
      return await asks(scene, () =>
        person(scene).post(scene.room('more'), `!${words}`, { thread: root.ts }),
      );
    },
  }));
}

function commandOf(words: string): Deed['by'] {
  const command = readCommand(words);
  if (command === undefined || command.kind === 'malformed' || command.kind === 'near')
    throw new Error(`${words} is no command`);
  return `command ${command.kind}`;
}

/** Restart and shutdown as commands, of the kernel of this room. */
function onKernel(
  act: KernelAction,
  room: 'kernel' | 'away',
  say: (asked: { as: UserClient; room: string; here: string; away: string; root: SlackMessage }) => unknown,
): Deed {
  return {
    by: `command ${act}`,
    async attempt(scene) {
      const { root } = await scene.rig.slash('rob', scene.room(room), '/spark 1');
      const asked = {
        as: person(scene),
        room: scene.room(room),
        here: scene.room('code'),
        away: scene.room('away'),
        root,
      };
      return await acts(scene, act, scene.room(room), () => say(asked));
    },
  };
}

/** The button of the list of kernels, pressed in #…-code; somebody who may not see the list presses it all the same. */
function onKernelButton(act: KernelAction, room: 'kernel' | 'away'): Deed {
  return {
    by: `button ${act}`,
    async attempt(scene) {
      const { playground, bot } = scene.rig;
      await scene.rig.slash('rob', scene.room(room), '/spark 1');
      const { id: channel } = playground.channel(scene.room(room));
      const ran = bot.log.findLast((line) => line['audit'] === 'run' && line['channel'] === channel);
      const where = room === 'kernel' ? channel : playground.channel(scene.room('code')).id;
      const list: Ephemeral = {
        user: person(scene).user.id,
        channel: where,
        ts: '1.000001',
        text: '',
        blocks: [button(`kernel:${act}`, `${String(ran?.['kernel'])}|${Date.now()}`)],
      };
      return await acts(scene, act, channel, () => person(scene).press(list, `kernel:${act}`));
    },
  };
}

/** A row with one of the bot's buttons, for people to whom it was never shown. */
function button(actionId: string, value: string): Block {
  const text = { type: 'plain_text', text: actionId } as const;
  return { type: 'actions', elements: [{ type: 'button', text, action_id: actionId, value }] };
}

async function opensModal(scene: Scene, act: () => unknown): Promise<boolean> {
  const as = person(scene);
  if (as.modal !== undefined) await as.close(as.modal);
  const before = as.modal;
  const isOpen = await tryIt(scene, act, () => as.modal !== before);
  // A refusal may also be a window, which has nothing to submit.
  return isOpen && as.modal?.draft.submit !== undefined;
}

async function submitsCode(scene: Scene, room: string, more: Record<string, string>): Promise<boolean> {
  const { modal } = person(scene);
  if (modal === undefined) throw new Error('no modal is open');
  const submit = () => person(scene).submit(modal, { ...more, code0: '1' });
  return await acts(scene, 'run', room, submit, { source: 'editor' });
}

/** A run that waits behind another one, with its Cancel button. */
async function wait({ rig, room }: Scene, user: string, where: 'mine' | 'others'): Promise<SlackMessage> {
  const root = rig.playground.as(user).post(room(where), fence('1', '@sparkthread '));
  return await rig.playground.waitForReply(room(where), root.ts, (reply) =>
    buttonsOf(reply).includes('run:cancel'),
  );
}

/** The person's own run ends by this. */
async function stops(scene: Scene, room: 'own' | 'mine', act: () => unknown): Promise<boolean> {
  return await acts(scene, 'run', scene.room(room), act);
}

/** The owner ends a run that goes on. The log says so before Slack has room for the edit. */
async function endOf({ rig }: Scene, live: SlackMessage): Promise<void> {
  if (buttonsOf(live).includes('run:stop')) await rig.playground.as('oli').press(live, 'run:stop');
  await rig.bot.untilLog((line) => line['audit'] === 'run' && line['run'] === runOf(live));
}

function runOf({ metadata }: SlackMessage): string {
  return String(metadata?.event_payload['run']);
}

function isGone({ rig }: Scene, answer: SlackMessage): boolean {
  return !rig.playground.messages(answer.channel).some(({ ts }) => ts === answer.ts);
}

async function asksToSwitch(
  { rig, room }: Scene,
  user: string,
  where: 'own' | 'switch',
): Promise<SlackMessage> {
  const root = rig.playground.as(user).post(room(where), fence('1', '@sparkthread scala '));
  return await rig.playground.waitForReply(room(where), root.ts, (reply) =>
    buttonsOf(reply).includes('run:switch'),
  );
}
