// proves: a socket has one number, which fstat, /proc/PID/fd and /proc/net tell alike.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long numbers[32];
static int known;

/* The number that fstat and the link agree on. */
static unsigned long number_of(const char *what, int fd) {
    char path[64], link[128], wanted[64];
    struct stat s;
    fstat(fd, &s);
    sprintf(path, "/proc/self/fd/%d", fd);
    long n = readlink(path, link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    sprintf(wanted, "socket:[%lu]", (unsigned long)s.st_ino);
    int is_new = 1;
    for (int i = 0; i < known; i++) is_new &= numbers[i] != s.st_ino;
    numbers[known++] = s.st_ino;
    printf("%s: a socket %d, has a number %d, of its own %d, link agrees %d\n", what, S_ISSOCK(s.st_mode), s.st_ino != 0, is_new, !strcmp(link, wanted));
    return s.st_ino;
}

/* Lines of a table with these ports, and how many of these have this number and this user. */
static void listed(const char *table, int port, int remote, unsigned long number) {
    char line[512];
    FILE *file = fopen(table, "r");
    int lines = 0, mine = 0;
    fgets(line, sizeof line, file);
    while (fgets(line, sizeof line, file)) {
        unsigned at, to, user;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x %u %*u %lu", &at, &to, &user, &inode) != 4) {
            printf("a line that can't be read: %s", line);
            continue;
        }
        if ((int)at != port || (int)to != remote) continue;
        lines++;
        mine += inode == number && (user == geteuid() || !number);
    }
    fclose(file);
    printf("%s: %d, with the number %d\n", table, lines, mine);
}

static int port_of(int fd) {
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;
    getsockname(fd, (void *)&a, &n);
    return ntohs(a.sin6_port);
}

static void tcp(int family, const char *table) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    void *address = family == AF_INET ? (void *)&four : (void *)&six;
    socklen_t length = family == AF_INET ? sizeof four : sizeof six;
    int listener = socket(family, SOCK_STREAM, 0);
    unsigned long waits = number_of("new", listener);
    if (bind(listener, address, length) || listen(listener, 4)) perror("listen");
    int port = port_of(listener);
    four.sin_port = six.sin6_port = htons(port);
    listed(table, port, 0, waits);
    int client = socket(family, SOCK_STREAM, 0);
    if (connect(client, address, length)) perror("connect");
    unsigned long calls = number_of("client", client);
    int from = port_of(client);
    listed(table, from, port, calls);
    /* Nobody has it open yet. */
    listed(table, port, from, 0);
    int server = accept(listener, NULL, NULL);
    listed(table, port, from, number_of("server", server));
    printf("still the same %d\n", number_of("listener again", listener) == waits);
    int copy = dup(client);
    printf("a copy is the same %d\n", number_of("copy", copy) == calls);
    close(copy);
    close(listener);
    listed(table, port, 0, waits);
    close(client);
    close(server);
    known = 0;
}

static void udp(int family, const char *table) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(family, SOCK_DGRAM, 0);
    if (family == AF_INET ? bind(fd, (void *)&four, sizeof four) : bind(fd, (void *)&six, sizeof six)) perror("bind");
    listed(table, port_of(fd), 0, number_of("datagrams", fd));
    close(fd);
}

int main(void) {
    tcp(AF_INET, "/proc/net/tcp");
    tcp(AF_INET6, "/proc/net/tcp6");
    udp(AF_INET, "/proc/net/udp");
    udp(AF_INET6, "/proc/net/udp6");
    int pair[2], pipes[2];
    struct stat ends[4];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pipe(pipes);
    for (int i = 0; i < 2; i++) fstat(pair[i], &ends[i]), fstat(pipes[i], &ends[2 + i]);
    number_of("one end", pair[0]);
    number_of("other end", pair[1]);
    int netlink = socket(AF_NETLINK, SOCK_RAW, 0);
    number_of("netlink", netlink);
    printf("a pipe is one file %d, and no socket %d\n", ends[2].st_ino == ends[3].st_ino,
           ends[2].st_dev != ends[0].st_dev || (ends[2].st_ino != ends[0].st_ino && ends[2].st_ino != ends[1].st_ino));
    return 0;
}
