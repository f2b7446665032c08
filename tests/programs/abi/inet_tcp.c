// TCP within the machine: bind, listen, connect, accept, the ways in which a connection ends, and the
// errors on the way. One thread: a connection is made as soon as the backlog has room.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static struct sockaddr_in at(const char *host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int listener(int *port) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = at("127.0.0.1", 0);
    socklen_t n = sizeof a;
    int one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (void *)&a, sizeof a) || listen(s, 8) || getsockname(s, (void *)&a, &n)) perror("listener");
    *port = ntohs(a.sin_port);
    return s;
}

static void pair(int l, int port, int *client, int *server) {
    struct sockaddr_in a = at("127.0.0.1", port), peer;
    socklen_t n = sizeof peer;
    *client = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    say("connect", connect(*client, (void *)&a, sizeof a));
    *server = accept(l, (void *)&peer, &n);
    struct sockaddr_in own;
    socklen_t m = sizeof own;
    getsockname(*client, (void *)&own, &m);
    printf("accepted from the client: %d, address %s\n", peer.sin_port == own.sin_port, inet_ntoa(peer.sin_addr));
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    int port, c, s;
    char b[64];
    int l = listener(&port);
    pair(l, port, &c, &s);
    say("write", write(c, "hello", 5));
    int waiting = -1;
    say("FIONREAD", ioctl(s, FIONREAD, &waiting));
    printf("waiting %d\n", waiting);
    say("peek", recv(s, b, 3, MSG_PEEK));
    say("read", read(s, b, sizeof b));
    printf("%.5s\n", b);
    say("nothing to read", recv(s, b, 1, MSG_DONTWAIT));
    say("half close", shutdown(c, SHUT_WR));
    say("end", read(s, b, sizeof b));
    say("the other half", write(s, "answer", 6));
    say("arrives", read(c, b, sizeof b));
    say("write after the end", send(c, "x", 1, MSG_NOSIGNAL));
    say("connect again", connect(c, (void *)&(struct sockaddr_in){.sin_family = AF_INET}, 16));
    close(s);
    say("end of the answer", read(c, b, sizeof b));
    close(c);

    // A reset: closed with data that nobody has read.
    pair(l, port, &c, &s);
    say("unread", write(c, "unread", 6));
    while (recv(s, b, 1, MSG_PEEK) != 1) {}
    close(s);
    say("after a reset", read(c, b, sizeof b));
    say("and then", read(c, b, sizeof b));
    signal(SIGPIPE, SIG_IGN);
    say("write to nobody", write(c, "x", 1));
    close(c);

    // A reset on purpose.
    pair(l, port, &c, &s);
    struct linger linger = {1, 0};
    setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(s);
    int error = -1;
    socklen_t n = sizeof error;
    getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &n);
    printf("SO_ERROR %s\n", strerror(error));
    getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &n);
    printf("SO_ERROR %d\n", error);
    say("read", read(c, b, sizeof b));
    close(c);

    // Errors.
    int u = socket(AF_INET, SOCK_STREAM, 0);
    say("read unconnected", read(u, b, 1));
    say("write unconnected", send(u, b, 1, MSG_NOSIGNAL));
    say("accept unbound", accept(u, 0, 0));
    say("shutdown unconnected", shutdown(u, SHUT_RDWR));
    struct sockaddr_in a = at("127.0.0.1", port);
    say("bind in use", bind(u, (void *)&a, sizeof a));
    a = at("192.0.2.1", 0);
    say("bind to a stranger", bind(u, (void *)&a, sizeof a));
    say("short address", bind(u, (void *)&a, 4));
    a.sin_family = 99;
    say("bad family", bind(u, (void *)&a, sizeof a));
    struct sockaddr_in peer;
    n = sizeof peer;
    say("no peer", getpeername(u, (void *)&peer, &n));
    say("not a socket", listen(1, 1) == -1 && errno != ENOTSOCK);
    say("nothing accepted", (fcntl(l, F_SETFL, O_NONBLOCK), accept(l, 0, 0)));
    a = at("127.0.0.1", port);
    say("listener connects", connect(l, (void *)&a, sizeof a));
    close(l);
    say("refused", connect(u, (void *)&a, sizeof a));
    close(u);
    u = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    say("not blocking", connect(u, (void *)&a, sizeof a));
    n = sizeof error;
    getsockopt(u, SOL_SOCKET, SO_ERROR, &error, &n);
    printf("SO_ERROR %s\n", strerror(error));
    close(u);

    // The server starts again, beside a connection that it has closed first.
    l = listener(&port);
    pair(l, port, &c, &s);
    close(s);
    say("end", read(c, b, sizeof b));
    close(c);
    close(l);
    a = at("127.0.0.1", port);
    l = socket(AF_INET, SOCK_STREAM, 0);
    say("bind at once", bind(l, (void *)&a, sizeof a));
    int one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    say("bind with SO_REUSEADDR", bind(l, (void *)&a, sizeof a));
    say("listen", listen(l, 1));
    return 0;
}
