import { untilPosted } from '../../support/run-store-file.ts';
import { asks, type Deed, tryIt } from './policy-scene.ts';

/** Tries what the table of rights says about exported notebooks. */
export const exportRuns: readonly Deed[] = [
  {
    by: 'command export',
    attempt: async (scene) => {
      const { rig, user, room } = scene;
      return await asks(scene, () => rig.playground.as(user).slash(room('code'), '/spark export today'));
    },
  },
  {
    by: 'button export',
    attempt: async (scene) => {
      const { rig, user, room } = scene;
      const { root, answer } = await rig.slash('rob', room('code'), '/spark 1');
      // A run is exported once Slack has told the bot which message its answer became.
      await untilPosted(rig.bot.folder, root.ts);
      const run = String(answer.metadata?.event_payload?.['run']);
      const press = () => rig.playground.as(user).press(answer, 'run:menu', `export|${run}|ended`);
      return await tryIt(scene, press, (heard) => heard.some((text) => text.includes('is being written')));
    },
  },
];
