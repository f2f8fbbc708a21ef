// What the `ws` client sees of a server that echoes: prints one JSON object, exits with 1 when
// something is not as it should be.  echo.mjs URL
import { createHash, randomBytes } from 'node:crypto';
import WebSocket from 'ws';

const url = process.argv[2];
const seen = { echoed: [], ping: null, close: null };

const fail = why => {
  console.error(why);
  process.exit(1);
};
setTimeout(() => fail('nothing happens: time is up'), 20000).unref();

const digest = data => createHash('sha256').update(data).digest('hex');
const whole = ['text', 'Grüße, 世界 🌍', '', randomBytes(1000), randomBytes(1 << 20)];
const frames = ['in ', 'three ', 'frames'];
const messages = [...whole, frames.join('')];

// Compression is offered, as this client does by default; wsmd may decline it.
const ws = new WebSocket(url, { perMessageDeflate: true });
ws.on('error', err => fail(String(err)));
ws.on('open', () => {
  for (const message of whole) ws.send(message);
  frames.forEach((part, i) => ws.send(part, { fin: i === frames.length - 1 }));
});

ws.on('message', (data, isBinary) => {
  const sent = messages[seen.echoed.length];
  if (isBinary !== (typeof sent !== 'string')) fail(`message ${seen.echoed.length}: wrong type`);
  if (digest(data) !== digest(sent)) fail(`message ${seen.echoed.length}: wrong contents`);
  seen.echoed.push(data.length);
  if (seen.echoed.length === messages.length) ws.ping('are you there');
});
ws.on('pong', data => {
  seen.ping = data.toString();
  ws.close(4321, 'done');
});
ws.on('close', (code, reason) => {
  seen.close = [code, reason.toString()];
  seen.extensions = ws.extensions;
  console.log(JSON.stringify(seen));
});
