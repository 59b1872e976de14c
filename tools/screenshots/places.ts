import type { Locator } from 'playwright-core';
import type { PageWindow } from '../../playground/page-window.ts';
import type { Playground } from '../../playground/playground.ts';
import { askMessage, askSlash, finals } from '../../test/support/ask.ts';

/** Something on the page that is no answer: what to do in the window, and which part of it to photograph. */
export interface PlaceScene {
  name: string;
  user?: string;
  /** In #data; else in a channel of its own. */
  isInData?: true;
  play(on: { window: PageWindow; playground: Playground; room: string }): Promise<Locator | 'window'>;
}

export const placeScenes: readonly PlaceScene[] = [
  whisper('help', '/spark help'),
  whisper('languages', '/spark languages'),
  whisper('unknown-language', '/spark use pyhton3'),
  whisper('empty-status', '/spark status'),
  whisper('refused-restart', '/spark restart', 'ben'),
  whisper('refused-guest', '/spark print(1)', 'gus'),
  whisper('empty-history', '/spark history'),
  {
    name: 'kernels',
    isInData: true,
    async play({ window }) {
      await window.say('/spark kernels');
      await window.whispers.last().waitFor();
      return window.channel;
    },
  },
  {
    name: 'history',
    async play({ window, playground, room }) {
      await askSlash(playground, 'ana', room, '/spark python3 sum(range(10))');
      await askSlash(playground, 'ben', room, '/spark python3 1 / 0');
      await askSlash(
        playground,
        'ana',
        room,
        '/spark python3 rates = {}\nfor n in range(9):\n    rates[n] = n * 2',
      );
      await window.say('/spark history');
      await window.whispers.last().waitFor();
      return window.channel;
    },
  },
  {
    name: 'status',
    async play({ window, playground, room }) {
      await playground.as('ben').slash(room, '/spark python3 import time; time.sleep(600)');
      await playground.waitForMessage(room, ({ text }) => text.includes('Running'));
      await window.say('/spark status');
      await window.whispers.last().waitFor();
      return window.channel;
    },
  },
  {
    name: 'restart-told',
    async play({ window, playground, room }) {
      await askSlash(playground, 'ben', room, '/spark python3 1');
      await window.say('/spark restart');
      await window.channel.getByText('kernel; variables are gone').waitFor();
      return window.channel;
    },
  },
  {
    name: 'editor',
    isInData: true,
    async play({ window }) {
      await window.say('/spark');
      await window.modal
        .getByLabel(/^Code\b/)
        .fill('df = spark.read.parquet("/data/orders")\ndf.groupBy("city").count().show()');
      return 'window';
    },
  },
  {
    name: 'editor-refused',
    isInData: true,
    async play({ window }) {
      await window.say('/spark');
      await window.modal.getByLabel(/^Code\b/).fill('   ');
      await window.modal.getByRole('button', { name: 'Run' }).click();
      await window.modal.getByText('no code').waitFor();
      return 'window';
    },
  },
  {
    name: 'auto-on',
    async play({ window, playground, room }) {
      await window.say('/spark auto on');
      await window.channel.getByText('turned auto-run on').waitFor();
      const { thread } = await askMessage(playground, 'ben', room, '```\npython3\nsum(range(10))\n```');
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      return window.channel;
    },
  },
  {
    name: 'editor-anywhere',
    isInData: true,
    async play({ window }) {
      await window.page.locator('#sidebar').getByText('Run code').click();
      await window.modal.waitFor();
      return 'window';
    },
  },
  {
    name: 'shortcut',
    async play({ window }) {
      await window.say('The nightly job failed in this line: `load("orders", day=None)`');
      const message = window.channel.locator('.message').last();
      await message.hover();
      await message.getByRole('button', { name: 'Run this code' }).click();
      await window.modal.or(window.whispers).or(message.locator('.replies')).first().waitFor();
      return 'window';
    },
  },
  {
    name: 'question',
    async play({ window }) {
      await window.say('/spark python3 input("Which table? ")');
      await window.openThread('Which table?');
      await window.thread.getByRole('button', { name: 'Answer' }).click();
      await window.modal.waitFor();
      return 'window';
    },
  },
  {
    name: 'password',
    async play({ window }) {
      await window.say('/spark python3 from getpass import getpass; getpass("Password of the warehouse: ")');
      await window.openThread('getpass');
      await window.thread.getByRole('button', { name: 'Answer' }).click();
      await window.modal.waitFor();
      return 'window';
    },
  },
  {
    name: 'edit-and-run',
    async play({ window, playground, room }) {
      const { thread } = await askSlash(playground, 'ana', room, '/spark python3 1 / 0');
      await playground.waitFor(() => finals(playground, room, thread)[0]);
      await window.openThread('1 / 0');
      await window.thread.getByRole('button', { name: 'Edit and run' }).click();
      await window.modal.waitFor();
      return 'window';
    },
  },
  {
    name: 'closed-home',
    isInData: true,
    user: 'gus',
    async play({ window }) {
      await window.page.locator('#sidebar').getByText('Sparkthread').click();
      await window.page.getByText('Home', { exact: true }).last().click();
      await window.page.getByText('Guests may not').waitFor();
      return 'window';
    },
  },
  {
    name: 'empty-channel',
    play: () => Promise.resolve('window'),
  },
];

function whisper(name: string, typed: string, user = 'ana'): PlaceScene {
  return {
    name,
    user,
    async play({ window }) {
      await window.say(typed);
      await window.whispers.first().waitFor();
      return window.channel;
    },
  };
}
