import type { Ephemeral } from '../../../playground/messages.ts';
import { acts, asks, type Deed, type Scene, tryIt } from './policy-scene.ts';

/** Tries what the table of rights says about schedules. Their minute is far away. */

const WHEN = '"0 0 1 1 *"';

/** Something saved in this room that `user` has scheduled; gives the list with its buttons. */
async function schedule({ rig, room }: Scene, user: string, purpose: string): Promise<Ephemeral> {
  await rig.slash(user, room(purpose), '/spark 1');
  const { playground } = rig;
  const as = playground.as(user);
  const channel = playground.channel(room(purpose)).id;
  const told = async (typed: string, words: string): Promise<Ephemeral> => {
    await as.slash(room(purpose), typed);
    return await playground.waitForEphemeral(
      user,
      (each) => each.channel === channel && each.text.includes(words),
    );
  };
  await told('/spark save yearly', 'Saved as');
  await told(`/spark schedule yearly ${WHEN}`, 'Next:');
  return await told('/spark schedules', 'Schedules of this channel');
}

export const runScheduled: readonly Deed[] = [
  {
    by: 'source schedule',
    attempt: async (scene) => {
      const list = await schedule(scene, 'rob', 'code');
      const { rig, user, room } = scene;
      return await acts(scene, 'run', room('code'), () =>
        rig.playground.as(user).press(list, 'schedule:runNow'),
      );
    },
  },
  {
    by: 'command schedule',
    attempt: async (scene) => {
      await schedule(scene, 'rob', 'more');
      const { rig, user, room } = scene;
      return await acts(scene, 'schedule', room('more'), () =>
        rig.playground.as(user).post(room('more'), `@sparkthread schedule yearly ${WHEN}`),
      );
    },
  },
];

export const listSchedules: readonly Deed[] = [
  {
    by: 'command schedules',
    attempt: async (scene) =>
      await asks(scene, () =>
        scene.rig.playground.as(scene.user).slash(scene.room('code'), '/spark schedules'),
      ),
  },
  {
    by: 'command scheduleForm',
    attempt: async (scene) => {
      await schedule(scene, 'rob', 'code');
      const as = scene.rig.playground.as(scene.user);
      const before = as.modal?.id;
      return await tryIt(
        scene,
        () => as.slash(scene.room('code'), '/spark schedule'),
        () => as.modal !== undefined && as.modal.id !== before,
      );
    },
  },
];

export const changeOwnSchedule: readonly Deed[] = changes('own', ({ user }) => user, true);
export const changeOthersSchedule: readonly Deed[] = changes('mine', () => 'rob', false);

function changes(purpose: string, makerOf: (scene: Scene) => string, needsOwnRun: boolean): Deed[] {
  const own = needsOwnRun ? ({ needsOwnRun: true } as const) : {};
  return [
    {
      by: 'command unschedule',
      ...own,
      attempt: async (scene) => {
        const list = await schedule(scene, makerOf(scene), purpose);
        const { rig, user, room } = scene;
        const as = rig.playground.as(user);
        const isPaused = await acts(scene, 'pause', room(purpose), () => as.press(list, 'schedule:pause'));
        const isRemoved = await acts(scene, 'unschedule', room(purpose), () =>
          as.slash(room(purpose), '/spark unschedule 1'),
        );
        if (isPaused !== isRemoved) throw new Error('the button and the command do not agree');
        return isRemoved;
      },
    },
  ];
}
