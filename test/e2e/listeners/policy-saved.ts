import { fence } from './listeners-rig.ts';
import { acts, asks, type Deed, type Scene, tryIt } from './policy-scene.ts';

/** Tries what the table of rights says about saved snippets. */

/** A snippet that `user` has saved in this room. */
async function save({ rig, room }: Scene, user: string, purpose: string): Promise<void> {
  await rig.slash(user, room(purpose), '/spark 1');
  const { playground } = rig;
  const heard = playground.ephemerals(user).length;
  await playground.as(user).slash(room(purpose), '/spark save one');
  await playground.waitFor(() => playground.ephemerals(user).length > heard);
}

export const runSaved: readonly Deed[] = [
  {
    by: 'command run',
    attempt: async (scene) => {
      await save(scene, 'rob', 'code');
      const { rig, user, room } = scene;
      return await acts(scene, 'run', room('code'), () =>
        rig.playground.as(user).slash(room('code'), '/spark run one'),
      );
    },
  },
];

export const listSaved: readonly Deed[] = [
  {
    by: 'command saved',
    attempt: async (scene) =>
      await asks(scene, () => scene.rig.playground.as(scene.user).slash(scene.room('code'), '/spark saved')),
  },
];

export const keepSaved: readonly Deed[] = [
  {
    by: 'command save',
    attempt: async (scene) => {
      const { rig, user, room } = scene;
      const root = rig.playground.as('rob').post(room('more'), fence('1', '@sparkthread '));
      await rig.final(room('more'), root.ts);
      const say = () => rig.playground.as(user).post(room('more'), '!save one', { thread: root.ts });
      return await acts(scene, 'save', room('more'), say);
    },
  },
  {
    by: 'button save',
    attempt: async (scene) => {
      const { rig, user, room } = scene;
      const { answer } = await rig.slash('rob', room('code'), '/spark 1');
      const run = String(answer.metadata?.event_payload?.['run']);
      const as = rig.playground.as(user);
      const before = as.modal?.id;
      return await tryIt(
        scene,
        async () => await as.press(answer, 'run:menu', `save|${run}|ended`),
        () => as.modal !== undefined && as.modal.id !== before,
      );
    },
  },
];

export const forgetOwn: readonly Deed[] = [
  {
    by: 'command forget',
    needsOwnRun: true,
    attempt: async (scene) => {
      await save(scene, scene.user, 'own');
      return await forget(scene, 'own');
    },
  },
];

export const forgetOthers: readonly Deed[] = [
  {
    by: 'command forget',
    attempt: async (scene) => {
      await save(scene, 'rob', 'mine');
      return await forget(scene, 'mine');
    },
  },
  {
    by: 'command save',
    attempt: async (scene) => {
      const { rig, user, room } = scene;
      await save(scene, 'rob', 'taken');
      const root = rig.playground.as('rob').post(room('taken'), fence('2', '@sparkthread '));
      await rig.final(room('taken'), root.ts);
      return await asks(scene, () =>
        rig.playground.as(user).post(room('taken'), '!save one', { thread: root.ts }),
      );
    },
  },
];

async function forget(scene: Scene, purpose: string): Promise<boolean> {
  const { rig, user, room } = scene;
  return await acts(scene, 'forget', room(purpose), () =>
    rig.playground.as(user).slash(room(purpose), '/spark forget one'),
  );
}
