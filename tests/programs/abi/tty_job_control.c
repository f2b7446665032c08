// Proves sessions with a terminal: the keyboard's signals, foreground and background, stops and
// continuations, the size's signal, and the hang-up.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;
static volatile int got;

static void note(int signal) { got = signal; }

static void say(const char *text) { write(1, text, strlen(text)); }

// Waits until the terminal shows this text.
static int expect(const char *text) {
    static char seen[4096];
    static size_t length;
    struct pollfd fd = {master, POLLIN, 0};
    for (;;) {
        char *at = strstr(seen, text);
        if (at) {
            at += strlen(text);
            length = strlen(at);
            memmove(seen, at, length + 1);
            return 1;
        }
        if (poll(&fd, 1, 3000) <= 0) return 0;
        ssize_t count = read(master, seen + length, sizeof seen - length - 1);
        if (count <= 0) return 0;
        length += (size_t)count;
        seen[length] = 0;
    }
}

static void child(const char *name) {
    close(master);
    setsid();
    int terminal = open(name, O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(terminal, fd);
    printf("session %d ", tcgetsid(0) == getpid());
    printf("controlling %d %d\n", tcgetpgrp(0) == getpid(), open("/dev/tty", O_RDWR) >= 0);
    fflush(stdout);
    signal(SIGINT, note);
    signal(SIGWINCH, note);
    sigset_t none, all;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    say("interrupt?\n");
    while (got != SIGINT) sigsuspend(&none);
    say("interrupted\nsize?\n");
    while (got != SIGWINCH) sigsuspend(&none);
    say("resized\n");
    sigprocmask(SIG_SETMASK, &none, NULL);
    // A job in the background reads: it is stopped.
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        char line[64];
        ssize_t count = read(0, line, sizeof line);
        _exit(count == 5 ? 7 : 8);
    }
    setpgid(job, job);
    int status;
    waitpid(job, &status, WUNTRACED);
    printf("stopped %d by SIGTTIN %d\n", WIFSTOPPED(status), WSTOPSIG(status) == SIGTTIN);
    tcsetpgrp(0, job);
    kill(-job, SIGCONT);
    waitpid(job, &status, WCONTINUED);
    printf("continued %d\nline?\n", WIFCONTINUED(status));
    fflush(stdout);
    waitpid(job, &status, 0);
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(0, getpgrp());
    printf("exited %d code %d\n", WIFEXITED(status), WEXITSTATUS(status));
    // ^Z stops the foreground.
    job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        say("stop?\n");
        for (;;) pause();
    }
    setpgid(job, job);
    waitpid(job, &status, WUNTRACED);
    printf("stopped %d by SIGTSTP %d\n", WIFSTOPPED(status), WSTOPSIG(status) == SIGTSTP);
    kill(job, SIGKILL);
    waitpid(job, &status, 0);
    printf("killed %d\n", WTERMSIG(status) == SIGKILL);
    tcsetpgrp(0, getpgrp());
    say("hang up?\n");
    signal(SIGHUP, SIG_DFL);
    for (;;) pause();
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    alarm(20);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    char *name = ptsname(master);
    pid_t pid = fork();
    if (pid == 0) child(name);
    printf("controlling %d\n", expect("session 1 controlling 1 1"));
    printf("asked %d\n", expect("interrupt?"));
    write(master, "\003", 1);
    printf("interrupted %d\n", expect("interrupted"));
    expect("size?");
    struct winsize size = {25, 81, 0, 0};
    ioctl(master, TIOCSWINSZ, &size);
    printf("resized %d\n", expect("resized"));
    printf("background %d\n", expect("stopped 1 by SIGTTIN 1"));
    printf("continued %d\n", expect("continued 1"));
    expect("line?");
    write(master, "line\n", 5);
    printf("read %d\n", expect("exited 1 code 7"));
    printf("asked %d\n", expect("stop?"));
    write(master, "\032", 1);
    printf("stopped %d\n", expect("stopped 1 by SIGTSTP 1"));
    printf("killed %d\n", expect("killed 1"));
    printf("asked %d\n", expect("hang up?"));
    close(master);
    int status;
    waitpid(pid, &status, 0);
    printf("hung up %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    return 0;
}
