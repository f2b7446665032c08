/* UNIX datagram sockets: names, peers, cut messages, full queues, autobind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static struct sockaddr_un name(const char *text, socklen_t *length) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path + 1, text, strlen(text));
    *length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
    return a;
}

int main(void) {
    char b[64] = "";
    socklen_t al, bl, l;
    struct sockaddr_un a = name("unix_datagram a", &al), c = name("unix_datagram c", &bl), got;
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), t = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("unnamed target", sendto(t, "x", 1, 0, (struct sockaddr *)&a, al));
    show("no target", send(t, "x", 1, 0));
    show("bind", bind(s, (struct sockaddr *)&a, al));
    show("listen", listen(s, 1));
    show("sendto", sendto(t, "first", 5, 0, (struct sockaddr *)&a, al));
    l = sizeof got;
    show("recvfrom", recvfrom(s, b, 64, 0, (struct sockaddr *)&got, &l));
    printf("from %u\n", l);
    show("bind", bind(t, (struct sockaddr *)&c, bl));
    show("sendto", sendto(t, "second one", 10, 0, (struct sockaddr *)&a, al));
    l = sizeof got;
    show("cut", recvfrom(s, b, 3, MSG_TRUNC, (struct sockaddr *)&got, &l));
    printf("from %u %s\n", l, got.sun_path + 1);
    show("empty", send(t, "", 0, 0));
    show("connect", connect(t, (struct sockaddr *)&a, al));
    show("empty", send(t, "", 0, 0));
    show("receive empty", recv(s, b, 64, 0));
    struct iovec v[2] = {{"ab", 2}, {"cde", 3}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    show("sendmsg", sendmsg(t, &m, 0));
    struct iovec r[2] = {{b, 1}, {b + 8, 2}};
    struct msghdr n = {.msg_iov = r, .msg_iovlen = 2, .msg_name = &got, .msg_namelen = sizeof got};
    show("recvmsg", recvmsg(s, &n, 0));
    printf("%c%c%c flags %x name %u\n", b[0], b[8], b[9], n.msg_flags, n.msg_namelen);
    show("nothing there", recv(s, b, 64, MSG_DONTWAIT));
    struct timeval tv = {0, 20000};
    show("rcvtimeo", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    show("timed out", recv(s, b, 64, 0));
    struct mmsghdr mm[3] = {{.msg_hdr = m}, {.msg_hdr = m}, {.msg_hdr = m}};
    show("sendmmsg", sendmmsg(t, mm, 3, 0));
    struct mmsghdr rm[4] = {{.msg_hdr = n}, {.msg_hdr = n}, {.msg_hdr = n}, {.msg_hdr = n}};
    show("recvmmsg", recvmmsg(s, rm, 4, MSG_DONTWAIT, NULL));
    printf("%u %u\n", rm[0].msg_len, rm[2].msg_len);
    int u = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    show("connect", connect(u, (struct sockaddr *)&a, al));
    show("aim back", connect(s, (struct sockaddr *)&c, bl));
    show("not from there", send(u, "x", 1, 0));
    show("from there", send(t, "x", 1, 0));
    struct sockaddr none = {AF_UNSPEC};
    show("part", connect(s, &none, sizeof none));
    int sent = 0;
    while (sent < 100000 && send(u, b, 64, 0) == 64)
        sent++;
    show("full", sent == 100000 ? 0 : -1);
    struct pollfd p = {u, POLLOUT, 0};
    show("not writable", poll(&p, 1, 0));
    while (recv(s, b, 64, MSG_DONTWAIT) >= 0)
        ;
    show("writable", poll(&p, 1, 1000));
    int size = 0;
    l = sizeof size;
    show("type", getsockopt(s, SOL_SOCKET, SO_TYPE, &size, &l));
    printf("%d\n", size);
    show("sndbuf", getsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, &l));
    printf("%d\n", size);
    size = 5000;
    show("set", setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    show("get", getsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, &l));
    printf("%d\n", size);
    show("bad option", setsockopt(s, SOL_SOCKET, 9999, &size, sizeof size));
    show("bad level", getsockopt(s, 9999, 1, &size, &l));
    close(s);
    show("peer gone", send(t, "x", 1, 0));
    int e = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    show("autobind", bind(e, (struct sockaddr *)&any, 2));
    l = sizeof got;
    show("getsockname", getsockname(e, (struct sockaddr *)&got, &l));
    printf("%u\n", l);
    show("not a socket", send(0, "x", 1, 0));
    show("bad descriptor", send(99, "x", 1, 0));
    return 0;
}
