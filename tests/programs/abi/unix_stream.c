/* UNIX stream sockets: pairs, names, connections, ends, descriptors and credentials on the way. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int events(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static long send_fd(int s, int fd, const char *text) {
    char control[CMSG_SPACE(sizeof fd)] = "";
    struct iovec v = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(s, &m, 0);
}

static long receive_fd(int s, char *text, size_t room, int *fd, int *flags) {
    char control[CMSG_SPACE(sizeof *fd) * 2] = "";
    struct iovec v = {text, room};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    long n = recvmsg(s, &m, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *fd = -1;
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    *flags = m.msg_flags;
    return n;
}

int main(void) {
    int s[2], p[2], fd, flags, n;
    char b[64] = "";
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGPIPE, SIG_IGN);
    show("bad type", socket(AF_UNIX, 77, 0));
    show("bad protocol", socket(AF_UNIX, SOCK_STREAM, 9));
    show("pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    struct stat st;
    fstat(s[0], &st);
    printf("socket %d\n", S_ISSOCK(st.st_mode));
    show("empty", read(s[0], b, 8));
    show("write", write(s[0], "hello", 5));
    show("send", send(s[0], "world", 5, 0));
    printf("events %x %x\n", events(s[0]), events(s[1]));
    ioctl(s[1], FIONREAD, &n);
    printf("waiting %d\n", n);
    show("peek", recv(s[1], b, 3, MSG_PEEK));
    show("joined", read(s[1], b, 64));
    printf("%.10s\n", b);
    show("send with address", sendto(s[0], "x", 1, 0, (struct sockaddr *)"\1\0", 2));
    show("lseek", lseek(s[0], 0, SEEK_CUR));
    /* A descriptor on the way. */
    pipe(p);
    show("send_fd", send_fd(s[0], p[1], "fd"));
    close(p[1]);
    write(s[0], "tail", 4);
    show("receive_fd", receive_fd(s[1], b, 64, &fd, &flags));
    printf("%.2s cloexec %d flags %x\n", b, fcntl(fd, F_GETFD), flags & ~MSG_CMSG_CLOEXEC);
    show("through it", write(fd, "via", 3));
    show("arrived", read(p[0], b, 8));
    close(fd);
    show("end", read(p[0], b, 8));
    show("tail", read(s[1], b, 64));
    send_fd(s[0], p[0], "gone");
    show("only bytes", read(s[1], b, 64));
    /* Credentials. */
    struct ucred u;
    socklen_t l = sizeof u;
    show("peercred", getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &l));
    printf("own %d\n", u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
    int on = 1;
    show("passcred", setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    write(s[0], "who", 3);
    char control[CMSG_SPACE(sizeof u)];
    struct iovec v = {b, 64};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    show("recvmsg", recvmsg(s[1], &m, 0));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    printf("credentials %d\n", c && c->cmsg_type == SCM_CREDENTIALS && ((struct ucred *)CMSG_DATA(c))->pid == getpid());
    /* Ends. */
    show("shutdown", shutdown(s[0], SHUT_WR));
    printf("events %x %x\n", events(s[0]), events(s[1]));
    show("write after", write(s[0], "x", 1));
    show("read end", read(s[1], b, 8));
    show("other way", write(s[1], "back", 4));
    show("read", read(s[0], b, 8));
    close(s[1]);
    printf("events %x\n", events(s[0]));
    show("read end", read(s[0], b, 8));
    show("write", send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
    /* Names. */
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/tmp/unix_stream.sock"}, got;
    unlink(a.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    printf("events %x\n", events(client));
    show("read apart", read(client, b, 1));
    show("write apart", write(client, b, 1));
    show("listen unbound", listen(listener, 1));
    show("connect to nothing", connect(client, (struct sockaddr *)&a, sizeof a));
    show("bind", bind(listener, (struct sockaddr *)&a, sizeof a));
    show("bind again", bind(listener, (struct sockaddr *)&a, sizeof a));
    show("name in use", bind(client, (struct sockaddr *)&a, sizeof a));
    show("not listening", connect(client, (struct sockaddr *)&a, sizeof a));
    show("accept", accept(listener, NULL, NULL));
    show("listen", listen(listener, 0));
    show("connect", connect(client, (struct sockaddr *)&a, sizeof a));
    int second = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    show("full", connect(second, (struct sockaddr *)&a, sizeof a));
    printf("listener events %x\n", events(listener));
    show("write before accept", write(client, "early", 5));
    l = sizeof got;
    int served = accept4(listener, (struct sockaddr *)&got, &l, SOCK_CLOEXEC);
    printf("peer name %u cloexec %d\n", l, fcntl(served, F_GETFD));
    show("connect twice", connect(client, (struct sockaddr *)&a, sizeof a));
    show("read", read(served, b, 8));
    l = sizeof got;
    show("getsockname", getsockname(served, (struct sockaddr *)&got, &l));
    printf("%s %u\n", got.sun_path, l);
    l = sizeof got;
    show("getpeername", getpeername(client, (struct sockaddr *)&got, &l));
    printf("%s %u\n", got.sun_path, l);
    l = sizeof n;
    getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &n, &l);
    printf("listens %d\n", n);
    write(client, "unread", 6);
    close(served);
    printf("events %x\n", events(client));
    show("reset", read(client, b, 8));
    show("then the end", read(client, b, 8));
    close(listener);
    show("nobody", connect(second, (struct sockaddr *)&a, sizeof a));
    stat(a.sun_path, &st);
    printf("file %d\n", S_ISSOCK(st.st_mode));
    show("open", open(a.sun_path, O_RDWR));
    unlink(a.sun_path);
    /* An abstract name. */
    struct sockaddr_un x = {.sun_family = AF_UNIX, .sun_path = "\0unix_stream test"};
    socklen_t xl = offsetof(struct sockaddr_un, sun_path) + 17;
    listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    show("bind", bind(listener, (struct sockaddr *)&x, xl));
    show("listen", listen(listener, 5));
    show("wrong type", connect(second, (struct sockaddr *)&x, xl));
    client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    show("connect", connect(client, (struct sockaddr *)&x, xl));
    served = accept(listener, NULL, NULL);
    write(client, "one", 3), write(client, "twotwo", 6);
    show("packet", read(served, b, 64));
    show("packet cut", read(served, b, 2));
    close(client);
    show("end", read(served, b, 2));
    return 0;
}
