/* A server of one thread: HTTP answers of a fixed length, or a stream as fast as it goes. */
#define _GNU_SOURCE
#include "measure.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024

/* One connection: the request that has come so far, and how much of the answers is still to be sent. */
struct connection {
    char head[2048];
    size_t length;
    long left;
    int closes;
};

static struct connection *connections[MOST];
static char *answer;
static long answer_bytes;
static int queue;

static int listener(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    must("bind", bind(fd, (struct sockaddr *)&address, sizeof address));
    must("listen", listen(fd, 512));
    return fd;
}

static void end(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

/* Sends what is left of the answer; false when the connection is over. */
static int push(int fd, struct connection *c)
{
    while (c->left > 0) {
        ssize_t sent = send(fd, answer + answer_bytes - c->left, c->left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            return errno == EAGAIN;
        c->left -= sent;
    }
    return !c->closes;
}

static int pull(int fd, struct connection *c)
{
    ssize_t got = recv(fd, c->head + c->length, sizeof c->head - 1 - c->length, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    c->length += got;
    c->head[c->length] = 0;
    char *stop = strstr(c->head, "\r\n\r\n");
    if (!stop)
        return c->length < sizeof c->head - 1;
    c->closes = strcasestr(c->head, "connection: close") != NULL;
    c->length = 0; /* a client here sends its next request after the answer */
    c->left = answer_bytes;
    return push(fd, c);
}

static void http(int port, long bytes)
{
    answer = malloc(bytes + 256);
    int head = sprintf(answer,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %ld\r\n\r\n",
                       bytes);
    memset(answer + head, 'x', bytes);
    answer_bytes = head + bytes;
    int door = listener(port);
    queue = must("epoll_create1", epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door};
    must("epoll_ctl", epoll_ctl(queue, EPOLL_CTL_ADD, door, &event));
    for (;;) {
        struct epoll_event events[64];
        int count = must("epoll_wait", epoll_wait(queue, events, 64, -1));
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == door) {
                int one = 1, new = accept4(door, NULL, NULL, SOCK_NONBLOCK);
                if (new < 0)
                    continue;
                if (new >= MOST || !(connections[new] = calloc(1, sizeof(struct connection)))) {
                    close(new);
                    continue;
                }
                setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = new};
                must("epoll_ctl", epoll_ctl(queue, EPOLL_CTL_ADD, new, &event));
                continue;
            }
            struct connection *c = connections[fd];
            int goes_on = events[i].events & EPOLLOUT ? push(fd, c) : pull(fd, c);
            if (!goes_on) {
                end(fd);
                continue;
            }
            event = (struct epoll_event){.events = c->left > 0 ? EPOLLOUT : EPOLLIN, .data.fd = fd};
            epoll_ctl(queue, EPOLL_CTL_MOD, fd, &event);
        }
    }
}

static void stream(int port)
{
    static char bytes[65536];
    int door = listener(port);
    for (;;) {
        int fd = must("accept", accept(door, NULL, NULL));
        char wish = 0;
        recv(fd, &wish, 1, 0);
        if (wish == 's')
            while (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
                ;
        else
            while (recv(fd, bytes, sizeof bytes, 0) > 0)
                ;
        close(fd);
    }
}

void serve(int port, long bytes, int streams)
{
    if (streams)
        stream(port);
    http(port, bytes);
}
