// A server that forks for each connection, and clients that are processes, too.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 6, BYTES = 200000 };

static void client(struct sockaddr_in *a, int number) {
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c, (void *)a, sizeof *a)) exit(1);
    // One process writes, another reads what comes back.
    if (fork() == 0) {
        char b[3000];
        memset(b, 'a' + number, sizeof b);
        for (int done = 0; done < BYTES;) {
            int wanted = BYTES - done < (int)sizeof b ? BYTES - done : (int)sizeof b;
            int k = write(c, b, wanted);
            if (k <= 0) exit(2);
            done += k;
        }
        shutdown(c, SHUT_WR);
        exit(0);
    }
    char b[5000];
    int got = 0, wrong = 0, k;
    while ((k = read(c, b, sizeof b)) > 0) {
        for (int i = 0; i < k; i++) wrong += b[i] != 'a' + number;
        got += k;
    }
    int status;
    wait(&status);
    exit(got == BYTES && wrong == 0 && status == 0 ? 0 : 3);
}

int main(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int l = socket(AF_INET, SOCK_STREAM, 0);
    bind(l, (void *)&a, sizeof a);
    listen(l, 2);
    getsockname(l, (void *)&a, &n);
    for (int i = 0; i < CLIENTS; i++)
        if (fork() == 0) {
            close(l);
            client(&a, i);
        }
    for (int i = 0; i < CLIENTS; i++) {
        int s = accept(l, 0, 0);
        if (fork() == 0) {
            close(l);
            char b[4096];
            int k;
            while ((k = read(s, b, sizeof b)) > 0)
                if (write(s, b, k) != k) exit(4);
            exit(0);
        }
        close(s);
    }
    int good = 0, status;
    while (wait(&status) > 0) good += status == 0;
    printf("%d processes ended well\n", good);
    return good != 2 * CLIENTS;
}
