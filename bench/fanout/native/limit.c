/* The limit: what a broadcaster costs that does nothing else. One thread, one epoll, WebSocket
 * frames; no handshake worth the name, no keepalive, no store, no limits.
 *
 *     limit PORT          one write for each member and message
 *     limit PORT join     what one turn brings a room is joined first
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, BUFFER = 1 << 20 };

typedef struct {
    uint8_t *in, *out; /* half a frame; what the kernel did not take */
    uint32_t in_size, out_size;
    int32_t room; /* -1 before the handshake */
} Conn;

typedef struct {
    int *fds;
    uint32_t count, space;
    uint8_t *joined;
    uint32_t size, joined_space;
} Room;

static Conn *conn_of[MOST];
static Room room_of[MOST];
static int dirty[MOST], dirty_count, join_ticks, epoll;
static uint8_t buffer[BUFFER];

static void watch(int fd, int op, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll, op, fd, &event);
}

static void drop(int fd) {
    Conn *conn = conn_of[fd];
    if (conn->room >= 0) {
        Room *room = &room_of[conn->room];
        for (uint32_t i = 0; i < room->count; i++)
            if (room->fds[i] == fd) room->fds[i] = room->fds[--room->count];
    }
    free(conn->in), free(conn->out), free(conn);
    conn_of[fd] = NULL;
    close(fd);
}

static void keep(Conn *conn, int fd, const uint8_t *data, size_t size) {
    if (!conn->out_size) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    conn->out = realloc(conn->out, conn->out_size + size);
    memcpy(conn->out + conn->out_size, data, size);
    conn->out_size += (uint32_t)size;
}

static void give(int fd, const uint8_t *data, size_t size) {
    Conn *conn = conn_of[fd];
    ssize_t sent = conn->out_size ? 0 : send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) sent = 0; /* full, or gone: reading will tell */
    if ((size_t)sent < size) keep(conn, fd, data + sent, size - (size_t)sent);
}

static void give_rest(int fd) {
    Conn *conn = conn_of[fd];
    ssize_t sent = send(fd, conn->out, conn->out_size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    conn->out_size -= (uint32_t)sent;
    memmove(conn->out, conn->out + sent, conn->out_size);
    if (conn->out_size) return;
    free(conn->out), conn->out = NULL;
    watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

static void to_all(Room *room, const uint8_t *data, size_t size) {
    for (uint32_t i = 0; i < room->count; i++) give(room->fds[i], data, size);
}

static void broadcast(int32_t at, const uint8_t *frame, uint32_t size) {
    Room *room = &room_of[at];
    if (!join_ticks) {
        to_all(room, frame, size);
        return;
    }
    if (!room->size) dirty[dirty_count++] = at;
    if (room->size + size > room->joined_space) {
        room->joined_space = 2 * (room->size + size);
        room->joined = realloc(room->joined, room->joined_space);
    }
    memcpy(room->joined + room->size, frame, size);
    room->size += size;
}

static void flush(void) {
    for (int i = 0; i < dirty_count; i++) {
        Room *room = &room_of[dirty[i]];
        to_all(room, room->joined, room->size);
        room->size = 0;
    }
    dirty_count = 0;
}

/* `GET /ROOM HTTP/1.1` … and an empty line. */
static uint32_t enter(int fd, Conn *conn, uint8_t *p, uint32_t left) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n\r\n";
    uint8_t *end = memmem(p, left, "\r\n\r\n", 4);
    if (!end || left < 6) return 0;
    conn->room = atoi((char *)p + 5) % MOST;
    Room *room = &room_of[conn->room];
    if (room->count == room->space) {
        room->space = room->space ? 2 * room->space : 8;
        room->fds = realloc(room->fds, room->space * sizeof *room->fds);
    }
    room->fds[room->count++] = fd;
    give(fd, (const uint8_t *)answer, sizeof answer - 1);
    return (uint32_t)(end - p) + 4;
}

/* One masked frame of at least 126 bytes goes to its room. */
static uint32_t take(Conn *conn, uint8_t *p, uint32_t left) {
    if (left < 8) return 0;
    uint32_t size = (uint32_t)p[2] << 8 | p[3];
    if ((p[1] & 0x7f) != 126) return left; /* no client of the benchmark sends another */
    if (left < 8 + size) return 0;
    uint8_t *mask = p + 4, *data = p + 8, key[4], *frame = p + 4;
    memcpy(key, mask, 4);
    for (uint32_t i = 0; i < size; i++) data[i] ^= key[i & 3];
    frame[0] = 0x82, frame[1] = 126, frame[2] = (uint8_t)(size >> 8), frame[3] = (uint8_t)size;
    broadcast(conn->room, frame, size + 4);
    return 8 + size;
}

static void hear(int fd) {
    Conn *conn = conn_of[fd];
    if (conn->in_size) memcpy(buffer, conn->in, conn->in_size);
    ssize_t got = recv(fd, buffer + conn->in_size, BUFFER - conn->in_size, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    uint32_t left = conn->in_size + (uint32_t)got, size;
    uint8_t *p = buffer;
    while (left && (size = conn->room < 0 ? enter(fd, conn, p, left) : take(conn, p, left)))
        p += size, left -= size;
    if (left) conn->in = realloc(conn->in, left), memcpy(conn->in, p, left);
    else free(conn->in), conn->in = NULL;
    conn->in_size = left;
}

static void welcome(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MOST) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conn_of[fd] = calloc(1, sizeof(Conn));
        conn_of[fd]->room = -1;
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc < 2) return 2;
    join_ticks = argc > 2;
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("limit");
        return 1;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) welcome(listener);
            else {
                if (events[i].events & EPOLLOUT) give_rest(fd);
                if (events[i].events & ~(uint32_t)EPOLLOUT) hear(fd);
            }
        }
        flush();
    }
}
