import { expect, test } from 'vitest';
import { HeardMessages } from '../../../../src/gateway/connection/received-messages.ts';

const id = (number: number) => `8f1c-22_4711_${number}`;

test('an execution of which every number came is whole, in any order', () => {
  const heard = new HeardMessages();
  heard.begin(id(18));
  for (const number of [19, 21, 20, 22]) heard.countOwn(id(number));
  expect(heard.isWhole).toBe(true);
});

test('a number that never came', () => {
  const heard = new HeardMessages();
  heard.begin(id(18));
  for (const number of [19, 21]) heard.countOwn(id(number));
  expect(heard.isWhole).toBe(false);
});

test('what the kernel said in between counts; what came after the end does not matter, also when it overtook', () => {
  const heard = new HeardMessages();
  heard.begin(id(18));
  heard.countOther(id(17));
  heard.countOther(id(19));
  heard.countOther(id(23));
  heard.countOwn(id(20));
  heard.countOther(id(25));
  heard.countOwn(id(21));
  expect(heard.isWhole).toBe(true);
  heard.countOwn(id(22));
  expect(heard.isWhole).toBe(true);
  heard.countOwn(id(24));
  expect(heard.isWhole).toBe(true);
});

test('another process or a kernel without numbers proves nothing', () => {
  const heard = new HeardMessages();
  heard.begin('1b4e28ba-2fa1-11d2-883f-0016d3cca427');
  heard.countOwn('6fa459ea-ee8a-3ca4-894e-db77e160355e');
  expect(heard.isWhole).toBe(false);
  heard.begin(id(3));
  heard.countOwn('8f1c-22_4712_4');
  heard.countOwn(id(5));
  expect(heard.isWhole).toBe(false);
});

test('each message is new once; without an id always', () => {
  const heard = new HeardMessages();
  expect([heard.isNew('a'), heard.isNew('a'), heard.isNew(''), heard.isNew('')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
