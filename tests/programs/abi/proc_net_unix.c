// proves: /proc/net/unix lists UNIX sockets: their types, states, numbers and names.
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char text[1 << 20];

static void slurp(void) {
    int fd = open("/proc/net/unix", O_RDONLY);
    size_t at = 0;
    long got;
    while (at < sizeof text - 1 && (got = read(fd, text + at, sizeof text - 1 - at)) > 0) at += got;
    text[at] = 0;
    close(fd);
}

static unsigned long number_of(int fd) {
    struct stat s;
    fstat(fd, &s);
    return s.st_ino;
}

/* The lines with this number; or, where it is 0, with this name. */
static void listed(const char *what, unsigned long number, const char *name) {
    int lines = 0;
    slurp();
    char *save, *line = strtok_r(text, "\n", &save);
    while ((line = strtok_r(NULL, "\n", &save))) {
        unsigned references, protocol, flags, type, state;
        unsigned long inode;
        int end = 0;
        if (sscanf(line, "%*x: %X %X %X %X %X %lu%n", &references, &protocol, &flags, &type, &state, &inode, &end) != 6) {
            printf("a line that can't be read: %s\n", line);
            continue;
        }
        const char *shown = line[end] == ' ' ? line + end + 1 : "";
        if (number ? inode != number : inode || strcmp(shown, name)) continue;
        lines++;
        /* Linux counts who looks up and who is connected, too. */
        printf("%s: held %d protocol %u flags %x type %u state %u name \"%s\"\n", what, references >= 2, protocol, flags, type, state, shown);
    }
    if (lines != 1) printf("%s: %d lines\n", what, lines);
}

static struct sockaddr_un at(const char *name, socklen_t *length) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, name);
    *length = offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1;
    return a;
}

int main(void) {
    slurp();
    printf("title: %.*s\n", (int)strcspn(text, "\n"), text);
    socklen_t length;
    struct sockaddr_un a = at("./a socket", &length);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    unsigned long waits = number_of(listener);
    listed("new", waits, "");
    if (bind(listener, (void *)&a, length)) perror("bind");
    listed("bound", waits, "");
    if (listen(listener, 4)) perror("listen");
    listed("listens", waits, "");
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(client, (void *)&a, length)) perror("connect");
    listed("client", number_of(client), "");
    listed("not accepted", 0, "./a socket");
    int server = accept(listener, NULL, NULL);
    listed("accepted", number_of(server), "");
    listed("nothing waits", 0, "./a socket");

    struct sockaddr_un hidden = {.sun_family = AF_UNIX};
    char name[32];
    sprintf(name, "%cmine%c%d", 0, 0, getpid());
    size_t size = 6 + strlen(name + 6);
    memcpy(hidden.sun_path, name, size);
    int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (bind(datagrams, (void *)&hidden, offsetof(struct sockaddr_un, sun_path) + size)) perror("bind");
    slurp();
    char wanted[64];
    sprintf(wanted, " %lu @mine@%d\n", number_of(datagrams), getpid());
    printf("abstract: %d\n", strstr(text, wanted) != NULL);

    int pair[2];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    listed("one end", number_of(pair[0]), "");
    listed("other end", number_of(pair[1]), "");
    unsigned long gone = number_of(pair[0]);
    close(pair[0]);
    slurp();
    sprintf(wanted, " %lu\n", gone);
    printf("closed and listed: %d\n", strstr(text, wanted) != NULL);
    return 0;
}
