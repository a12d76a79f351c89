/* TLS of the load generator, with -DTLS; without it no connection has a session.
 *
 * A session is begun by `tls_connect` and belongs to the descriptor from then on, so Python hands
 * over nothing but that: what it reads and writes while it prepares a connection goes by `tls_read`
 * and `tls_write` through the session that the runs use. */
#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

enum { DESCRIPTORS = 1 << 16 };
static SSL *sessions[DESCRIPTORS];

static SSL *session_of(int fd) { return fd < DESCRIPTORS ? sessions[fd] : NULL; }

static void end_session(int fd) {
    if (!session_of(fd)) return;
    SSL_free(sessions[fd]);
    sessions[fd] = NULL;
}

/* Shake hands on a connected, blocking socket, trusting who is in a file; whether it worked. */
int tls_connect(int fd, const char *authorities) {
    static SSL_CTX *context;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_load_verify_locations(context, authorities, NULL);
        SSL_CTX_set_read_ahead(context, 1); /* many records with one system call */
        SSL_CTX_set_default_read_buffer_len(context, 1 << 16);
    }
    if (fd >= DESCRIPTORS) return 0;
    end_session(fd); /* of one that Python closed */
    sessions[fd] = SSL_new(context);
    SSL_set_fd(sessions[fd], fd);
    return SSL_connect(sessions[fd]) == 1;
}

/* Blocking while the socket is. As `read` and `write`, but for errno. */
int tls_read(int fd, uint8_t *data, int size) { return SSL_read(sessions[fd], data, size); }

int tls_write(int fd, const uint8_t *data, int size) { return SSL_write(sessions[fd], data, size); }

static ssize_t tls_put(SSL *tls, const uint8_t *data, size_t size) {
    return SSL_write(tls, data, (int)size);
}

/* Everything that is there, as `recv`: what stays in the session wakes no epoll. */
static ssize_t tls_take(SSL *tls, uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size) {
        ERR_clear_error();
        int one = SSL_read(tls, data + got, (int)(size - got));
        if (one > 0) got += (size_t)one;
        else if (got) break;
        else if (SSL_get_error(tls, one) == SSL_ERROR_WANT_READ) return errno = EAGAIN, -1;
        else return 0;
    }
    return (ssize_t)got;
}
#else
typedef void SSL;
static SSL *session_of(int fd) { return (void)fd, NULL; }
static void end_session(int fd) { (void)fd; }
static ssize_t tls_put(SSL *tls, const uint8_t *data, size_t size) {
    return (void)tls, (void)data, (void)size, -1;
}
static ssize_t tls_take(SSL *tls, uint8_t *data, size_t size) {
    return (void)tls, (void)data, (void)size, 0;
}
#endif
