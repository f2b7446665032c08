// Options of sockets: what is kept, what is refused.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void get(int s, int level, int name, const char *what) {
    int value = -77;
    socklen_t n = sizeof value;
    if (getsockopt(s, level, name, &value, &n))
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %d (%d)\n", what, value, n);
}

static void set(int s, int level, int name, int value, const char *what) {
    if (setsockopt(s, level, name, &value, sizeof value))
        printf("set %s to %d: %s\n", what, value, strerror(errno));
    else
        get(s, level, name, what);
}

static void say(const char *what, int result) {
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    get(s, SOL_SOCKET, SO_TYPE, "SO_TYPE");
    get(s, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
    get(s, SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL");
    get(s, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
    get(s, SOL_SOCKET, SO_ERROR, "SO_ERROR");
    set(s, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    set(s, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
    set(s, SOL_SOCKET, SO_RCVBUF, 10000, "SO_RCVBUF");
    set(s, SOL_SOCKET, SO_SNDBUF, 10000, "SO_SNDBUF");
    set(s, IPPROTO_TCP, TCP_NODELAY, 7, "TCP_NODELAY");
    get(s, IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE");
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, 30, "TCP_KEEPIDLE");
    set(s, IPPROTO_TCP, TCP_KEEPINTVL, 5, "TCP_KEEPINTVL");
    set(s, IPPROTO_TCP, TCP_KEEPCNT, 3, "TCP_KEEPCNT");
    set(s, IPPROTO_TCP, TCP_KEEPCNT, 128, "TCP_KEEPCNT");
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, 0, "TCP_KEEPIDLE");
    set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 9000, "TCP_USER_TIMEOUT");
    set(s, IPPROTO_TCP, 9999, 1, "no such option of TCP");
    set(s, SOL_SOCKET, 9999, 1, "no such option");
    set(s, SOL_SOCKET, SO_TYPE, 1, "SO_TYPE");
    set(s, IPPROTO_IP, IP_TTL, 33, "IP_TTL");
    set(s, IPPROTO_IP, IP_TTL, 300, "IP_TTL");
    struct linger linger = {1, 5};
    socklen_t n = sizeof linger;
    setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    memset(&linger, 9, sizeof linger);
    getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &n);
    printf("SO_LINGER %d %d\n", linger.l_onoff, linger.l_linger);
    struct timeval t = {0, 20000};
    printf("SO_RCVTIMEO %d\n", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(s, (void *)&a, sizeof a);
    listen(s, 1);
    get(s, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
    say("accept in time", accept(s, 0, 0));
    say("short value", setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &t, 2));
    int u = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    get(u, SOL_SOCKET, SO_TYPE, "SO_TYPE");
    get(u, SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL");
    get(u, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY of UDP");
    set(u, SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST");
    set(u, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    set(six, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    get(s, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY of IPv4");
    say("no such socket", socket(AF_INET, 77, 0));
    say("no such socket", socket(99, SOCK_STREAM, 0));
    say("no such socket", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    say("no such socket", socket(AF_INET, SOCK_SEQPACKET, 0));
    return 0;
}
