// Proves flock(2): who excludes whom, what a change of kind does, when locks go, and that they and
// record locks do not mind each other.
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static void noted(int signal) { (void)signal; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int a = open("file", O_RDWR | O_CREAT, 0644), b = open("file", O_RDONLY);
    show("no operation", flock(a, 0));
    show("both", flock(a, LOCK_SH | LOCK_EX));
    show("no descriptor", flock(99, LOCK_SH));
    int path = open("file", O_PATH);
    show("path only", flock(path, LOCK_SH));
    show("unlock nothing", flock(a, LOCK_UN));
    show("shared", flock(a, LOCK_SH));
    show("shared by another", flock(b, LOCK_SH | LOCK_NB));
    show("exclusive", flock(a, LOCK_EX | LOCK_NB));
    // Its shared lock went with the attempt.
    show("the other takes all", flock(b, LOCK_EX | LOCK_NB));
    show("shared", flock(a, LOCK_SH | LOCK_NB));
    int copy = dup(b);
    close(b);
    show("a copy keeps it", flock(a, LOCK_SH | LOCK_NB));
    show("a copy changes it", flock(copy, LOCK_SH | LOCK_NB));
    show("shared", flock(a, LOCK_SH | LOCK_NB));
    close(copy);
    show("the last is closed", flock(a, LOCK_EX | LOCK_NB));

    // Records are another matter.
    struct flock all = {.l_type = F_WRLCK};
    int c = open("file", O_RDWR);
    show("record", fcntl(c, F_SETLK, &all));

    // A child has the same open file; another open file has to wait for it.
    int told[2];
    if (pipe(told))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        show("inherited", flock(a, LOCK_EX | LOCK_NB));
        int own = open("file", O_RDONLY);
        show("opened again", flock(own, LOCK_EX | LOCK_NB));
        if (write(told[1], "w", 1) != 1)
            _exit(1);
        long waited = flock(own, LOCK_EX);
        show("waited", waited);
        _exit(0);
    }
    char byte;
    if (read(told[0], &byte, 1) != 1)
        return 1;
    // The child still has the parent's open file, so that closing does nothing.
    if (flock(a, LOCK_UN))
        return 1;
    waitpid(child, NULL, 0);
    show("gone with the process", flock(a, LOCK_EX | LOCK_NB));

    // A signal ends the wait.
    struct sigaction action = {.sa_handler = noted};
    sigaction(SIGALRM, &action, NULL);
    int d = open("file", O_RDONLY);
    alarm(1);
    show("interrupted", flock(d, LOCK_SH));
    int ends[2];
    if (pipe(ends))
        return 1;
    show("a pipe", flock(ends[0], LOCK_EX | LOCK_NB));
    show("a directory", flock(open(".", O_RDONLY), LOCK_SH | LOCK_NB));
    return 0;
}
