/* threads PORT
 *
 * An HTTP server of a few POSIX threads that take connections from one listening socket:
 *   GET /bytes/N   N bytes, of which the one at position I is I % 251
 *   GET /served    how many answers were sent, counted by all threads together
 * Connections are kept as long as the client likes.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 12
#define LONGEST 8192

static int listener;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long served;
static __thread unsigned long own;

static int send_all(int client, const void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(client, bytes, length, 0);
        if (count <= 0)
            return -1;
        bytes = (const char *)bytes + count;
        length -= (size_t)count;
    }
    return 0;
}

static int answer(int client, const char *request)
{
    char head[128], text[64];
    size_t length = 0;
    char *body = NULL;
    if (sscanf(request, "GET /bytes/%zu ", &length) == 1) {
        body = malloc(length + 1);
        for (size_t at = 0; body && at < length; at++)
            body[at] = (char)(at % 251);
    } else if (strncmp(request, "GET /served ", 12) == 0) {
        pthread_mutex_lock(&lock);
        length = (size_t)snprintf(text, sizeof text, "%lu", served);
        pthread_mutex_unlock(&lock);
        body = strdup(text);
    }
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
             body ? "200 OK" : "404 Not Found", body ? length : 0);
    int result = send_all(client, head, strlen(head));
    if (result == 0 && body)
        result = send_all(client, body, length);
    free(body);
    if (result == 0) {
        own++;
        pthread_mutex_lock(&lock);
        served++;
        pthread_mutex_unlock(&lock);
    }
    return result;
}

static void serve(int client)
{
    char request[LONGEST];
    size_t length = 0;
    for (;;) {
        request[length] = 0;
        char *end = strstr(request, "\r\n\r\n");
        if (end) {
            if (answer(client, request) != 0)
                return;
            size_t used = (size_t)(end + 4 - request);
            memmove(request, request + used, length - used);
            length -= used;
            continue;
        }
        ssize_t count = recv(client, request + length, sizeof request - 1 - length, 0);
        if (count <= 0)
            return;
        length += (size_t)count;
    }
}

static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        int yes = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        serve(client);
        close(client);
    }
    return NULL;
}

int main(int count, char **words)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_port = htons((uint16_t)(count == 2 ? atoi(words[1]) : 0));
    signal(SIGPIPE, SIG_IGN);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 64) != 0) {
        perror("listen");
        return 1;
    }
    pthread_t thread;
    for (int number = 1; number < THREADS; number++)
        if (pthread_create(&thread, NULL, work, NULL) != 0)
            return 2;
    work(NULL);
    return 0;
}
