// Node's ws: server.mjs PORT
import { WebSocketServer } from 'ws';

const subscribers = new Set();
const port = Number(process.argv[2]);
const server = new WebSocketServer({ host: '127.0.0.1', port, backlog: 4096, maxPayload: 0,
  perMessageDeflate: false });

server.on('connection', (connection, request) => {
  const publishes = request.url === '/pub';
  if (request.url === '/sub') subscribers.add(connection);
  connection.on('error', () => {});
  connection.on('close', () => subscribers.delete(connection));
  connection.on('message', (data, binary) => {
    if (publishes) for (const subscriber of subscribers) subscriber.send(data, { binary });
    else connection.send(data, { binary });
  });
});
