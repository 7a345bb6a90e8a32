/* The server behind the proxies: reads each request to the end of its body, then answers 200 with 100 bytes, or with
 * 1 MiB where the path is /1MiB. It keeps connections open and understands Content-Length and chunked bodies.
 * Usage: upstream PORT; it listens on 127.0.0.1. It trusts its clients: no timeouts, heads of at most 64 KiB. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 65536, EVENTS = 256 };

/* What the next byte that comes belongs to; in ANSWER nothing is read. */
enum place { HEAD, BODY, CHUNK_SIZE, CHUNK_REST, CHUNK, CHUNK_END, TRAILER, ANSWER };

struct answer {
    char *bytes;
    size_t length;
};

struct connection {
    int fd;
    enum place place;
    unsigned long long left; /* of the body, or of the chunk */
    size_t line;             /* bytes of the trailer's line so far */
    struct answer *answer;   /* what this request gets */
    size_t sent;
    unsigned watched; /* events of epoll */
    size_t have; /* bytes in `in` */
    char in[ROOM];
};

static struct answer small, large;
static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct answer answer_of(size_t body) {
    char head[128];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", body);
    struct answer answer = {malloc((size_t)length + body), (size_t)length + body};
    if (!answer.bytes)
        fail("malloc");
    memcpy(answer.bytes, head, (size_t)length);
    memset(answer.bytes + length, 'y', body);
    return answer;
}

static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length) && line[2 + length] == ':')
            return line + 3 + length + strspn(line + 3 + length, " \t");
    return NULL;
}

/* Takes the head off the front of `in`. 0: it is not complete yet; -1: it never will be. */
static int head(struct connection *c) {
    char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!end)
        return c->have == ROOM ? -1 : 0;
    end[2] = 0; /* the last header keeps its line end */
    char *path = strchr(c->in, ' ');
    c->answer = path && !strncmp(path, " /1MiB ", 7) ? &large : &small;
    const char *length = header(c->in, "content-length"), *coding = header(c->in, "transfer-encoding");
    c->place = coding && !strncasecmp(coding, "chunked", 7) ? CHUNK_SIZE : BODY;
    c->left = c->place == BODY && length ? strtoull(length, NULL, 10) : 0;
    size_t used = (size_t)(end + 4 - c->in);
    c->have -= used;
    memmove(c->in, c->in + used, c->have);
    return 1;
}

static int digit_of(char byte) {
    const char *digits = "0123456789abcdef", *found = byte ? strchr(digits, byte | 32) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* One byte of what stands around the chunks. Returns whether the body is over. */
static int frame(struct connection *c, char byte) {
    int digit = digit_of(byte);
    if (c->place == CHUNK_SIZE && digit >= 0) {
        c->left = c->left * 16 + (unsigned)digit;
    } else if (byte != '\n') {
        if (c->place == CHUNK_SIZE)
            c->place = CHUNK_REST; /* an extension, or the return before the line's end */
        c->line += c->place == TRAILER && byte != '\r';
    } else if (c->place == TRAILER) {
        int empty = c->line == 0;
        c->line = 0;
        return empty;
    } else if (c->place == CHUNK_END) {
        c->place = CHUNK_SIZE;
    } else {
        c->place = c->left ? CHUNK : TRAILER;
    }
    return 0;
}

/* Takes what is there of the body off the front of `in`. Returns whether the body is over. */
static int body(struct connection *c) {
    size_t at = 0;
    int over = c->place == BODY && c->left == 0;
    while (at < c->have && !over) {
        if (c->place != BODY && c->place != CHUNK) {
            over = frame(c, c->in[at++]);
            continue;
        }
        size_t take = c->have - at < c->left ? c->have - at : (size_t)c->left;
        at += take;
        c->left -= take;
        over = c->left == 0 && c->place == BODY;
        if (c->left == 0 && c->place == CHUNK)
            c->place = CHUNK_END;
    }
    c->have -= at;
    memmove(c->in, c->in + at, c->have);
    return over;
}

/* Sends what the socket takes. 1: all is out; 0: later; -1: the client is gone. */
static int send_answer(struct connection *c) {
    while (c->sent < c->answer->length) {
        ssize_t sent = send(c->fd, c->answer->bytes + c->sent, c->answer->length - c->sent, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        c->sent += (size_t)sent;
    }
    c->sent = 0;
    return 1;
}

static void watch(struct connection *c, int how, unsigned events) {
    if (c->watched == events)
        return;
    c->watched = events;
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, how, c->fd, &event))
        fail("epoll_ctl");
}

/* Goes on until there is nothing to read or no room to write. Returns -1 at the connection's end. */
static int serve(struct connection *c) {
    for (;;) {
        if (c->place == HEAD) {
            int complete = head(c);
            if (complete <= 0)
                return complete;
        }
        if (c->place != ANSWER) {
            if (!body(c))
                return 0;
            c->place = ANSWER;
        }
        int sent = send_answer(c);
        if (sent < 0)
            return -1;
        watch(c, EPOLL_CTL_MOD, sent ? EPOLLIN : EPOLLOUT);
        if (!sent)
            return 0;
        c->place = HEAD;
    }
}

static int ready(struct connection *c) {
    if (c->place != ANSWER) {
        ssize_t got = recv(c->fd, c->in + c->have, ROOM - c->have, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN ? 0 : -1;
        c->have += (size_t)got;
    }
    return serve(c);
}

static void welcome(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return; /* gone before its turn */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        fail("calloc");
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static int listen_on(const char *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024))
        fail("listen");
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: upstream PORT\n", stderr);
        return 64;
    }
    small = answer_of(100);
    large = answer_of(1 << 20);
    int listener = listen_on(argv[1]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &first))
        fail("epoll");
    for (;;) {
        int many = epoll_wait(poller, events, EVENTS, -1);
        for (int at = 0; at < many; at++) {
            struct connection *c = events[at].data.ptr;
            if (!c)
                welcome(listener);
            else if (ready(c) < 0) {
                close(c->fd);
                free(c);
            }
        }
    }
}
