/* The load generator: holds connections that Python has prepared, publishes in their rooms and
 * counts what arrives. A shared library; everything runs in the caller's thread, with one epoll.
 *
 * Wires: 0 WebSocket with plain payloads, 1 WebSocket with Alcove's frames, 2 MQTT, 3 NATS.
 * A payload begins with 8 bytes that name the run and 8 with the time it was due, so a latency
 * counts the wait for a generator or a server that lags behind its schedule.
 * A publish makes one delivery for each member: who sent gets a copy, or, of Alcove, the answer.
 * Connections may have TLS (tls.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tls.h"

enum { PLAIN, ALCOVE, MQTT, NATS };
enum { RING = 16, BUCKETS = 64 * 64, BUFFER = 1 << 20 };
#define SECOND 1000000000ull

typedef struct {
    int fd;
    SSL *tls;
    uint32_t room, n, waiting;
    uint8_t *rest; /* the beginning of a frame whose end has not come */
    uint64_t sent[RING];
} Conn;

typedef struct {
    int *members;
    uint32_t count, space, next;
    uint8_t *frame; /* what is published, but for what changes */
    uint32_t size;
    int n_at, id_at, blob_at;
    uint64_t outstanding;
} Room;

typedef struct {
    uint64_t deliveries, publishes, cpu, wall, p50, p99, most, refused, closed, missing;
    char said[64]; /* the beginning of the first refusal */
} Result;

typedef struct {
    int wire, epoll, timer;
    uint32_t blob, conns, conn_space, rooms, room_space;
    Conn *conn;
    Room *room;
    uint64_t run, seed, histogram[BUCKETS];
    int measuring, window; /* window 0: open loop */
    Result *result;
    uint8_t buffer[BUFFER];
} Generator;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t random64(Generator *g) {
    g->seed ^= g->seed << 13;
    g->seed ^= g->seed >> 7;
    return g->seed ^= g->seed << 17;
}

Generator *generator_new(int wire, uint32_t blob) {
    Generator *g = calloc(1, sizeof *g);
    g->wire = wire;
    g->blob = blob;
    g->seed = 88172645463325252ull;
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    g->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->timer, &event);
    return g;
}

/* Rooms are numbered from 0 in the order in which they come. An offset of -1: there is none. */
void generator_room(Generator *g, const uint8_t *frame, uint32_t size, int n_at, int id_at,
                    int blob_at) {
    if (g->rooms == g->room_space) {
        g->room_space = g->room_space ? 2 * g->room_space : 64;
        g->room = realloc(g->room, g->room_space * sizeof *g->room);
    }
    Room *room = &g->room[g->rooms++];
    memset(room, 0, sizeof *room);
    room->frame = malloc(size);
    memcpy(room->frame, frame, size);
    room->size = size;
    room->n_at = n_at, room->id_at = id_at, room->blob_at = blob_at;
}

static void hear(Generator *g, Conn *conn);

/* The generator owns the descriptor from here on, and its session. */
void generator_add(Generator *g, int fd, uint32_t at) {
    if (g->conns == g->conn_space) {
        g->conn_space = g->conn_space ? 2 * g->conn_space : 1024;
        g->conn = realloc(g->conn, g->conn_space * sizeof *g->conn);
    }
    Conn *conn = &g->conn[g->conns];
    memset(conn, 0, sizeof *conn);
    conn->fd = fd, conn->tls = session_of(fd), conn->room = at, conn->n = 1000;
    Room *room = &g->room[at];
    if (room->count == room->space) {
        room->space = room->space ? 2 * room->space : 16;
        room->members = realloc(room->members, room->space * sizeof *room->members);
    }
    room->members[room->count++] = (int)g->conns;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = g->conns};
    epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event);
    g->conns++;
    if (conn->tls) hear(g, conn); /* what Python left in the session */
}

void generator_free(Generator *g) {
    for (uint32_t i = 0; i < g->conns; i++) {
        if (g->conn[i].fd >= 0) end_session(g->conn[i].fd), close(g->conn[i].fd);
        free(g->conn[i].rest);
    }
    for (uint32_t i = 0; i < g->rooms; i++) free(g->room[i].frame), free(g->room[i].members);
    close(g->epoll), close(g->timer);
    free(g->conn), free(g->room), free(g);
}

/* --- out --------------------------------------------------------------------------------- */

static void shut(Generator *g, Conn *conn) {
    if (conn->fd < 0) return;
    end_session(conn->fd);
    close(conn->fd);
    conn->fd = -1;
    if (g->result) g->result->closed++;
}

static void put(Generator *g, Conn *conn, const uint8_t *data, size_t size) {
    if (conn->fd < 0) return;
    ssize_t sent = conn->tls ? tls_put(conn->tls, data, size)
                             : send(conn->fd, data, size, MSG_NOSIGNAL);
    if (sent != (ssize_t)size) shut(g, conn);
}

/* A client's frame of RFC 6455, masked. */
static void put_ws(Generator *g, Conn *conn, uint8_t first, const uint8_t *data, uint32_t size) {
    static uint8_t out[1 << 17];
    uint8_t mask[4], *p = out;
    uint32_t key = (uint32_t)random64(g);
    memcpy(mask, &key, 4);
    *p++ = first;
    if (size < 126) *p++ = (uint8_t)(0x80 | size);
    else *p++ = 0xfe, *p++ = (uint8_t)(size >> 8), *p++ = (uint8_t)size;
    memcpy(p, mask, 4), p += 4;
    for (uint32_t i = 0; i < size; i++) p[i] = data[i] ^ mask[i & 3];
    put(g, conn, out, (size_t)(p - out) + size);
}

static void publish(Generator *g, Room *room, uint64_t due) {
    Conn *conn = &g->conn[room->members[room->next]];
    room->next = (room->next + 1) % room->count;
    uint8_t *frame = room->frame;
    uint32_t n = ++conn->n;
    conn->sent[n % RING] = due;
    if (room->n_at >= 0)
        for (int i = 0; i < 4; i++) frame[room->n_at + i] = (uint8_t)(n >> (24 - 8 * i));
    if (room->id_at >= 0) {
        uint64_t id[2] = {random64(g), random64(g)};
        memcpy(frame + room->id_at, id, 16);
    }
    memcpy(frame + room->blob_at, &g->run, 8);
    memcpy(frame + room->blob_at + 8, &due, 8);
    room->outstanding += room->count;
    if (g->measuring) g->result->publishes++;
    if (g->wire <= ALCOVE) put_ws(g, conn, 0x82, frame, room->size);
    else put(g, conn, frame, room->size);
}

/* --- in ---------------------------------------------------------------------------------- */

static uint32_t bucket_of(uint64_t ns) {
    if (ns < 64) return (uint32_t)ns;
    int shift = 57 - __builtin_clzll(ns); /* 64 to 127 are left: 1.6% steps */
    return (uint32_t)((shift + 1) * 64 + (int)((ns >> shift) - 64));
}

static uint64_t value_of(uint32_t bucket) {
    return bucket < 64 ? bucket : ((uint64_t)(bucket % 64) + 64) << (bucket / 64 - 1);
}

static void delivered(Generator *g, Conn *conn, uint64_t due, uint64_t now) {
    Room *room = &g->room[conn->room];
    if (room->outstanding) room->outstanding--;
    if (g->measuring) {
        uint64_t took = now > due ? now - due : 0;
        g->histogram[bucket_of(took)]++;
        g->result->deliveries++;
        if (took > g->result->most) g->result->most = took;
    }
    if (g->window && room->outstanding <= (uint64_t)(g->window - 1) * room->count)
        publish(g, room, now);
}

static void payload(Generator *g, Conn *conn, const uint8_t *p, uint64_t now) {
    uint64_t run, due;
    memcpy(&run, p, 8), memcpy(&due, p + 8, 8);
    if (run == g->run) delivered(g, conn, due, now);
}

static void refused(Generator *g, const uint8_t *p, uint32_t size) {
    if (!g->result) return;
    if (!g->result->refused++) {
        const uint8_t *code = memmem(p, size, "\xa4" "code", 5);
        if (code) snprintf(g->result->said, sizeof g->result->said, "%.*s", code[5] & 31, code + 6);
    }
}

static void alcove_frame(Generator *g, Conn *conn, const uint8_t *p, uint32_t size, uint64_t now) {
    static const char published[] = "\x83\xa1t\xa9published\xa1n";
    const uint32_t key = 38; /* "key" and the author's, behind the blob */
    if (size > g->blob + key && !memcmp(p, "\x86\xa1t\xa4" "blob", 8)) {
        payload(g, conn, p + size - key - g->blob, now);
    } else if (size > 16 && !memcmp(p, published, 15)) {
        uint32_t n = 0; /* the generator's own numbers need two bytes or four; others are beats */
        int bytes = p[15] == 0xcd ? 2 : p[15] == 0xce ? 4 : 0;
        for (int i = 0; i < bytes; i++) n = n << 8 | p[16 + i];
        if (n > 1000 && n <= conn->n) delivered(g, conn, conn->sent[n % RING], now);
    } else if (size > 12 && !memcmp(p + 1, "\xa1t\xa7refused", 10)) {
        refused(g, p, size);
    }
}

/* Each `take` reads one frame and returns its size, or 0 when it is not all there. */
static uint32_t take_ws(Generator *g, Conn *conn, const uint8_t *p, uint32_t left, uint64_t now) {
    if (left < 2) return 0;
    uint32_t head = 2, size = p[1] & 0x7f;
    if (size == 126) {
        if (left < 4) return 0;
        head = 4, size = (uint32_t)p[2] << 8 | p[3];
    } else if (size == 127) {
        if (left < 10) return 0;
        head = 10, size = (uint32_t)p[6] << 24 | (uint32_t)p[7] << 16 | (uint32_t)p[8] << 8 | p[9];
    }
    if (left < head + size) return 0;
    int opcode = p[0] & 15;
    if (opcode == 2 && g->wire == ALCOVE) alcove_frame(g, conn, p + head, size, now);
    else if (opcode == 2 && size == g->blob) payload(g, conn, p + head, now);
    else if (opcode == 9) put_ws(g, conn, 0x8a, p + head, size);
    else if (opcode == 8) shut(g, conn);
    return head + size;
}

static uint32_t take_mqtt(Generator *g, Conn *conn, const uint8_t *p, uint32_t left, uint64_t now) {
    uint32_t size = 0, at = 1, shift = 0;
    do {
        if (at >= left || at > 4) return 0;
        size |= (uint32_t)(p[at] & 0x7f) << shift;
        shift += 7;
    } while (p[at++] & 0x80);
    if (left < at + size) return 0;
    if (p[0] >> 4 == 3) payload(g, conn, p + at + size - g->blob, now);
    return at + size;
}

static uint32_t take_nats(Generator *g, Conn *conn, const uint8_t *p, uint32_t left, uint64_t now) {
    const uint8_t *end = memchr(p, '\n', left);
    if (!end) return 0;
    uint32_t line = (uint32_t)(end - p) + 1;
    if (p[0] == 'P' && p[1] == 'I') put(g, conn, (const uint8_t *)"PONG\r\n", 6);
    if (p[0] == '-') refused(g, p, line);
    if (p[0] != 'M') return line;
    uint32_t size = 0, scale = 1;
    for (const uint8_t *d = end - 2; *d >= '0' && *d <= '9'; d--, scale *= 10)
        size += scale * (uint32_t)(*d - '0');
    if (left < line + size + 2) return 0;
    payload(g, conn, p + line, now);
    return line + size + 2;
}

static void hear(Generator *g, Conn *conn) {
    while (conn->fd >= 0) {
        uint32_t had = conn->waiting;
        if (had) memcpy(g->buffer, conn->rest, had);
        ssize_t got = conn->tls ? tls_take(conn->tls, g->buffer + had, BUFFER - had)
                                : recv(conn->fd, g->buffer + had, BUFFER - had, 0);
        if (got <= 0) {
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) shut(g, conn);
            return;
        }
        uint64_t now = now_ns();
        uint32_t left = had + (uint32_t)got, whole = left, size;
        const uint8_t *p = g->buffer;
        while (left && conn->fd >= 0) {
            size = g->wire <= ALCOVE  ? take_ws(g, conn, p, left, now)
                   : g->wire == MQTT ? take_mqtt(g, conn, p, left, now)
                                     : take_nats(g, conn, p, left, now);
            if (!size) break;
            p += size, left -= size;
        }
        if (left) conn->rest = realloc(conn->rest, left), memcpy(conn->rest, p, left);
        else if (conn->rest) free(conn->rest), conn->rest = NULL;
        conn->waiting = left;
        if (whole < BUFFER) return;
    }
}

/* One wait of at most so many milliseconds; whether the timer is due. */
static int turn(Generator *g, int milliseconds) {
    struct epoll_event events[256];
    int due = 0, count = epoll_wait(g->epoll, events, 256, milliseconds);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == UINT32_MAX) {
            uint64_t ticks;
            due = read(g->timer, &ticks, 8) == 8;
        } else {
            hear(g, &g->conn[events[i].data.u32]);
        }
    }
    return due;
}

/* --- runs -------------------------------------------------------------------------------- */

/* User and system time of a process, all its threads. */
static uint64_t cpu_of(int pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t percentile(Generator *g, double part) {
    uint64_t seen = 0, wanted = (uint64_t)ceil((double)g->result->deliveries * part);
    for (uint32_t i = 0; i < BUCKETS && wanted; i++)
        if ((seen += g->histogram[i]) >= wanted) return value_of(i);
    return 0;
}

static void arm(Generator *g, uint64_t at) {
    struct itimerspec when = {.it_value = {(time_t)(at / SECOND), (long)(at % SECOND)}};
    timerfd_settime(g->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Answer pings and forget what comes, until nothing comes any more or the time is over. */
void generator_pump(Generator *g, int milliseconds) {
    uint64_t end = now_ns() + (uint64_t)milliseconds * 1000000;
    g->run = 0;
    do turn(g, 0);
    while (now_ns() < end);
}

/* Publish in the first `active` rooms: closed loop with `window` publishes of each room under way,
 * or, with 0, open loop with so many publishes a second in all, at random times. */
void generator_run(Generator *g, uint32_t active, int window, double rate, double warm,
                   double seconds, int pid, Result *result) {
    memset(result, 0, sizeof *result);
    memset(g->histogram, 0, sizeof g->histogram);
    for (uint32_t i = 0; i < g->rooms; i++) g->room[i].outstanding = 0;
    g->result = result, g->run = random64(g), g->window = window, g->measuring = 0;
    uint64_t start = now_ns(), from = start + (uint64_t)(warm * 1e9);
    uint64_t until = from + (uint64_t)(seconds * 1e9), next = start, now = start;
    for (uint32_t i = 0; i < active && window; i++)
        for (int k = 0; k < window; k++) publish(g, &g->room[i], now);
    if (!window) arm(g, next);
    while ((now = now_ns()) < until) {
        if (!g->measuring && now >= from) {
            g->measuring = 1, result->cpu = cpu_of(pid), result->wall = now;
        }
        /* In a closed loop it never sleeps: else a server would pay for waking it, a slow one for
         * every write, and one that is faster than the generator never. */
        if (turn(g, window ? 0 : 5) && !window) {
            now = now_ns();
            while (next <= now) {
                publish(g, &g->room[random64(g) % active], next);
                double u = ((double)(random64(g) >> 11) + 1) / 9007199254740993.0;
                next += (uint64_t)(-log(u) / rate * 1e9) + 1;
            }
            arm(g, next);
        }
    }
    result->cpu = cpu_of(pid) - result->cpu, result->wall = now_ns() - result->wall;
    g->measuring = 0, g->window = 0;
    arm(g, 0);
    for (uint64_t end = now + 5 * SECOND; now_ns() < end;) { /* what is still under way */
        result->missing = 0;
        for (uint32_t i = 0; i < active; i++) result->missing += g->room[i].outstanding;
        if (!result->missing) break;
        turn(g, 5);
    }
    result->p50 = percentile(g, 0.50), result->p99 = percentile(g, 0.99);
    g->result = NULL;
}
