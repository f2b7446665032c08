// Threads that wait for the same sockets: accept is given to one of them, a close of the other side
// wakes all, timeouts pass.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { THREADS = 4, CONNECTIONS = 40 };
static int listener, served[THREADS];

static void *serve(void *argument) {
    int *count = argument;
    for (;;) {
        int s = accept(listener, 0, 0);
        if (s < 0) return 0;
        char b[64];
        int k = recv(s, b, 10, MSG_WAITALL);
        if (k == 10 && send(s, b, 10, 0) == 10) ++*count;
        close(s);
    }
}

int main(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (void *)&a, sizeof a);
    listen(listener, 3);
    getsockname(listener, (void *)&a, &n);
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], 0, serve, &served[i]);
    int good = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        int one = 1;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(c, (void *)&a, sizeof a)) perror("connect");
        char b[64];
        // In two pieces: the server waits for all of it.
        send(c, "01234", 5, 0);
        send(c, "56789", 5, 0);
        int k = recv(c, b, sizeof b, MSG_WAITALL);
        good += k == 10 && !memcmp(b, "0123456789", 10);
        close(c);
    }
    printf("%d answers\n", good);
    shutdown(listener, SHUT_RDWR);
    int sum = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], 0);
        sum += served[i];
    }
    printf("%d served\n", sum);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval time = {0, 30000};
    setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    a.sin_port = 0;
    bind(u, (void *)&a, sizeof a);
    char b[1];
    printf("%zd", recv(u, b, 1, 0));
    printf(" %s\n", strerror(errno));
    return 0;
}
