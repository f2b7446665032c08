// Readiness of sockets: poll on each state of a connection, epoll level and edge triggered.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void show(const char *what, unsigned events) {
    printf("%s:%s%s%s%s%s\n", what, events & POLLIN ? " IN" : "", events & POLLOUT ? " OUT" : "",
           events & POLLERR ? " ERR" : "", events & POLLHUP ? " HUP" : "", events & POLLRDHUP ? " RDHUP" : "");
}

static void look(const char *what, int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    show(what, p.revents);
}

static void news(const char *what, int e) {
    struct epoll_event event;
    int n = epoll_wait(e, &event, 1, 200);
    if (n == 1)
        show(what, event.events);
    else
        printf("%s: nothing\n", what);
}

static int edge(int fd, unsigned events) {
    int e = epoll_create1(0);
    struct epoll_event event = {.events = events | EPOLLET};
    epoll_ctl(e, EPOLL_CTL_ADD, fd, &event);
    return e;
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    char b[100000];
    int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    look("new", c);
    bind(l, (void *)&a, sizeof a);
    getsockname(l, (void *)&a, &n);
    listen(l, 4);
    look("listening", l);
    int el = edge(l, EPOLLIN);
    news("nobody connects", el);
    if (connect(c, (void *)&a, sizeof a) && errno != EINPROGRESS) perror("connect");
    struct pollfd p = {c, POLLOUT, 0};
    printf("connected %d\n", poll(&p, 1, 1000));
    look("connected", c);
    news("someone connects", el);
    news("still the same", el);
    int s = accept4(l, 0, 0, SOCK_NONBLOCK);
    look("accepted", s);
    look("listening", l);
    int es = edge(s, EPOLLIN | EPOLLRDHUP);
    news("nothing yet", es);
    write(c, "abc", 3);
    look("data", s);
    news("data", es);
    news("the same data", es);
    write(c, "def", 3);
    news("more data", es);
    printf("read %zd\n", read(s, b, sizeof b));
    look("read", s);
    news("read", es);
    // Fill the buffers, then make room.
    int ec = edge(c, EPOLLOUT);
    news("room", ec);
    long total = 0, k;
    while ((k = write(c, b, sizeof b)) > 0) total += k;
    printf("full %s %d\n", strerror(errno), total > 10000);
    look("full", c);
    news("full", ec);
    long got = 0;
    while (got < total) {
        p = (struct pollfd){s, POLLIN, 0};
        if (poll(&p, 1, 2000) != 1) break;
        while ((k = read(s, b, sizeof b)) > 0) got += k;
    }
    printf("all of it %d\n", got == total);
    news("room again", ec);
    look("room again", c);
    while (epoll_wait(es, &(struct epoll_event){0}, 1, 0) == 1) {}
    shutdown(c, SHUT_WR);
    news("half closed", es);
    look("half closed", s);
    look("half closed", c);
    close(s);
    p = (struct pollfd){c, POLLIN, 0};
    poll(&p, 1, 1000);
    look("closed", c);
    close(c);
    // A refused connection.
    close(l);
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(c, (void *)&a, sizeof a);
    p = (struct pollfd){c, POLLOUT, 0};
    poll(&p, 1, 1000);
    show("refused", p.revents);
    int error;
    n = sizeof error;
    getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &n);
    printf("%s\n", strerror(error));
    // Datagrams.
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    look("udp", u);
    a.sin_port = 0;
    bind(u, (void *)&a, sizeof a);
    n = sizeof a;
    getsockname(u, (void *)&a, &n);
    int eu = edge(u, EPOLLIN);
    sendto(u, "x", 1, 0, (void *)&a, sizeof a);
    news("datagram", eu);
    sendto(u, "y", 1, 0, (void *)&a, sizeof a);
    news("another", eu);
    look("udp", u);
    return 0;
}
