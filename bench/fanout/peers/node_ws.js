// Rooms over the `ws` package: a frame is built once and written to each member.
const { WebSocketServer, Sender } = require("ws");

const rooms = new Map();
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  perMessageDeflate: false,
  backlog: 4096,
});

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
