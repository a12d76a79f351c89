// Rooms over the `ws` package: a frame is built once and written to each member.
//   node_ws.js PORT [CERTIFICATE KEY]     with TLS 1.3, when there are files of a certificate
const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { WebSocketServer, Sender } = require("ws");

const [port, cert, key] = process.argv.slice(2);
const rooms = new Map();
const listener = cert
  ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: "TLSv1.3" })
  : http.createServer();
const server = new WebSocketServer({ server: listener, perMessageDeflate: false });
listener.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });

server.on("connection", (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on("message", (data) => {
    const frame = Buffer.concat(
      Sender.frame(data, { fin: true, opcode: 2, mask: false, readOnly: true, rsv1: false }),
    );
    for (const member of room) member._socket.write(frame);
  });
  socket.on("close", () => room.delete(socket));
  socket.on("error", () => room.delete(socket));
});
