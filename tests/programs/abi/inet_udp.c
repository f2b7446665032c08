// UDP within the machine: addresses, boundaries, refusals.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int bound(struct sockaddr_in *a) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t n = sizeof *a;
    memset(a, 0, sizeof *a);
    a->sin_family = AF_INET;
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    say("bind", bind(s, (void *)a, sizeof *a));
    getsockname(s, (void *)a, &n);
    return s;
}

static char big[70000];

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    struct sockaddr_in a, b, from;
    socklen_t n = sizeof from;
    char buffer[64];
    int s = bound(&a), c = bound(&b);
    say("sendto", sendto(c, "question", 8, 0, (void *)&a, sizeof a));
    say("an empty one", sendto(c, "", 0, 0, (void *)&a, sizeof a));
    int waiting = 0;
    ioctl(s, FIONREAD, &waiting);
    printf("waiting %d\n", waiting);
    say("peek", recvfrom(s, buffer, 3, MSG_PEEK, 0, 0));
    say("whole length", recvfrom(s, buffer, 3, MSG_PEEK | MSG_TRUNC, 0, 0));
    say("recvfrom", recvfrom(s, buffer, sizeof buffer, 0, (void *)&from, &n));
    printf("%.8s, from the client: %d, length %d\n", buffer, from.sin_port == b.sin_port, n);
    say("the empty one", recv(s, buffer, sizeof buffer, 0));
    say("nothing", recv(s, buffer, sizeof buffer, MSG_DONTWAIT));
    say("no destination", send(c, "x", 1, 0));
    say("connect", connect(c, (void *)&a, sizeof a));
    say("send", send(c, "x", 1, 0));
    say("write", write(c, "yz", 2));
    say("cut", recv(s, buffer, 1, 0));
    say("cut", recv(s, buffer, 1, 0));
    n = sizeof from;
    say("peer", getpeername(c, (void *)&from, &n));
    // Who is connected hears only its peer.
    struct sockaddr_in other;
    int o = bound(&other);
    sendto(o, "stranger", 8, 0, (void *)&b, sizeof b);
    say("from a stranger", recv(c, buffer, sizeof buffer, MSG_DONTWAIT));
    sendto(s, "friend", 6, 0, (void *)&b, sizeof b);
    say("from the peer", recv(c, buffer, sizeof buffer, MSG_DONTWAIT));
    close(s);
    say("to nobody", send(c, "x", 1, 0));
    say("refused", recv(c, buffer, sizeof buffer, 0));
    say("refused once", recv(c, buffer, sizeof buffer, MSG_DONTWAIT));
    from.sin_family = AF_UNSPEC;
    say("disconnect", connect(c, (void *)&from, sizeof from));
    say("no peer", getpeername(c, (void *)&from, &n));
    say("too long", sendto(c, big, 65508, 0, (void *)&other, sizeof other));
    say("as long as can be", sendto(c, big, 65507, 0, (void *)&other, sizeof other));
    say("arrives", recv(o, big, sizeof big, 0));
    struct iovec parts[2] = {{"two ", 4}, {"parts", 5}};
    struct msghdr message = {.msg_name = &other, .msg_namelen = sizeof other, .msg_iov = parts, .msg_iovlen = 2};
    say("sendmsg", sendmsg(c, &message, 0));
    struct iovec room[2] = {{buffer, 2}, {buffer + 32, 4}};
    message = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = room, .msg_iovlen = 2};
    say("recvmsg", recvmsg(o, &message, 0));
    printf("%.2s %.4s, cut %d, from %s\n", buffer, buffer + 32, !!(message.msg_flags & MSG_TRUNC), inet_ntoa(from.sin_addr));
    say("listen", listen(c, 1));
    say("accept", accept(c, 0, 0));
    say("bind twice", bind(c, (void *)&other, sizeof other));
    int d = socket(AF_INET, SOCK_DGRAM, 0);
    say("in use", bind(d, (void *)&other, sizeof other));
    other.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    say("broadcast", sendto(d, "x", 1, 0, (void *)&other, sizeof other));
    // IPv6, and IPv4 in it.
    int six = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6}, who;
    n = sizeof any;
    say("bind ::", bind(six, (void *)&any, sizeof any));
    getsockname(six, (void *)&any, &n);
    b.sin_port = any.sin6_port;
    say("from IPv4", sendto(d, "four", 4, 0, (void *)&b, sizeof b));
    n = sizeof who;
    say("to IPv6", recvfrom(six, buffer, sizeof buffer, 0, (void *)&who, &n));
    char name[64];
    printf("%s\n", inet_ntop(AF_INET6, &who.sin6_addr, name, sizeof name));
    int six2 = socket(AF_INET6, SOCK_DGRAM, 0);
    any.sin6_addr = in6addr_loopback;
    say("from ::1", sendto(six2, "six", 3, 0, (void *)&any, sizeof any));
    say("to ::", recvfrom(six, buffer, sizeof buffer, 0, (void *)&who, &n));
    printf("%s\n", inet_ntop(AF_INET6, &who.sin6_addr, name, sizeof name));
    return 0;
}
