/* Speaks sd_notify(3)'s protocol, as programs written for systemd do, when it is told to by a signal:
 * SIGUSR1: it is ready, says a child of its own. SIGUSR2: it beats no more, but lives on.
 * With a number it says WATCHDOG=1 so many milliseconds apart, from the start on. With "once" it says
 * that it is ready, and ends. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = path ? strlen(path) : 0;
    if (length == 0 || length >= sizeof address.sun_path) {
        fprintf(stderr, "no NOTIFY_SOCKET\n");
        exit(2);
    }
    memcpy(address.sun_path, path, length);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + length;
    if (fd < 0 || sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, size) < 0) {
        perror("notify");
        exit(1);
    }
    close(fd);
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "once") == 0) {
        say("READY=1");
        return 0;
    }
    int beats = count > 1;
    long ms = beats ? atol(arguments[1]) : 1000;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    puts("waiting");
    fflush(stdout);
    for (;;) {
        if (beats)
            say("WATCHDOG=1");
        struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
        int signal = sigtimedwait(&signals, NULL, &time);
        if (signal == SIGUSR1) {
            pid_t child = fork();
            if (child == 0) {
                say("STATUS=at work\nX_UNKNOWN=1\nREADY=1\n");
                _exit(0);
            }
            int status;
            if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
                fprintf(stderr, "the child did not end well\n");
                return 1;
            }
        } else if (signal == SIGUSR2) {
            beats = 0;
        } else if (signal < 0 && errno != EAGAIN && errno != EINTR) {
            perror("sigtimedwait");
            return 1;
        }
    }
}
