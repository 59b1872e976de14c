import { expect, test } from 'vitest';
import { ReceivedMessages } from '../../../../src/gateway/connection/received-messages.ts';

const id = (number: number) => `8f1c-22_4711_${number}`;

test('an execution is complete if every number has come, in any order', () => {
  const received = new ReceivedMessages();
  received.begin(id(18));
  for (const number of [19, 21, 20, 22]) received.countOwn(id(number));
  expect(received.isWhole).toBe(true);
});

test('a number that never came', () => {
  const received = new ReceivedMessages();
  received.begin(id(18));
  for (const number of [19, 21]) received.countOwn(id(number));
  expect(received.isWhole).toBe(false);
});

test('messages in between count; those after the end do not matter, even if they overtook', () => {
  const received = new ReceivedMessages();
  received.begin(id(18));
  received.countOther(id(17));
  received.countOther(id(19));
  received.countOther(id(23));
  received.countOwn(id(20));
  received.countOther(id(25));
  received.countOwn(id(21));
  expect(received.isWhole).toBe(true);
  received.countOwn(id(22));
  expect(received.isWhole).toBe(true);
  received.countOwn(id(24));
  expect(received.isWhole).toBe(true);
});

test('another process or a kernel without numbers proves nothing', () => {
  const received = new ReceivedMessages();
  received.begin('1b4e28ba-2fa1-11d2-883f-0016d3cca427');
  received.countOwn('6fa459ea-ee8a-3ca4-894e-db77e160355e');
  expect(received.isWhole).toBe(false);
  received.begin(id(3));
  received.countOwn('8f1c-22_4712_4');
  received.countOwn(id(5));
  expect(received.isWhole).toBe(false);
});

test('each message is new once; without an id always', () => {
  const received = new ReceivedMessages();
  expect([received.isNew('a'), received.isNew('a'), received.isNew(''), received.isNew('')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
