// Drives an interactive program on a pseudo-terminal: types, waits for what it shows, and keeps all of
// that to be written in the end. What is waited for before each key makes the transcript the same in
// every run.
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

#define PATIENCE_MS 20000

static int driver_master = -1;
static pid_t driver_child;
static char driver_shown[1 << 16]; // all that the terminal showed
static size_t driver_length, driver_seen;

// Starts a program on a terminal of 80 columns and 24 lines, as the leader of its session.
static inline void driver_start(char *const words[]) {
    driver_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize size = {24, 80, 0, 0};
    if (driver_master < 0 || grantpt(driver_master) || unlockpt(driver_master) ||
        ioctl(driver_master, TIOCSWINSZ, &size))
        perror("a terminal"), exit(90);
    const char *name = ptsname(driver_master);
    driver_child = fork();
    if (driver_child == 0) {
        setsid();
        int terminal = open(name, O_RDWR);
        for (int fd = 0; fd < 3; fd++) dup2(terminal, fd);
        if (terminal > 2) close(terminal);
        setenv("TERM", "vt100", 1);
        setenv("PS1", "$ ", 1);
        setenv("HOME", ".", 1);
        execvp(words[0], words);
        _exit(127);
    }
}

// The transcript, with what is no plain text spelled out.
static inline void driver_tell(void) {
    for (size_t at = 0; at < driver_length; at++) {
        unsigned char sign = (unsigned char)driver_shown[at];
        if (sign == '\n') putchar('\n');
        else if (sign == '\r') continue;
        else if (sign == 27) printf("\\e");
        else if (sign < 32 || sign > 126) printf("\\x%02x", sign);
        else putchar(sign);
    }
    driver_length = driver_seen = 0;
}

// Reads what comes within the time; 0 when nothing does any more.
static inline int driver_read(int patience_ms) {
    struct pollfd fd = {driver_master, POLLIN, 0};
    if (driver_length + 1 >= sizeof driver_shown || poll(&fd, 1, patience_ms) <= 0) return 0;
    ssize_t count =
        read(driver_master, driver_shown + driver_length, sizeof driver_shown - 1 - driver_length);
    if (count <= 0) return 0;
    driver_length += (size_t)count;
    driver_shown[driver_length] = 0;
    return 1;
}

// Waits until the terminal shows a text after what was waited for before.
static inline void driver_expect(const char *text) {
    for (;;) {
        char *at = memmem(driver_shown + driver_seen, driver_length - driver_seen, text, strlen(text));
        if (at) {
            driver_seen = (size_t)(at - driver_shown) + strlen(text);
            return;
        }
        if (!driver_read(PATIENCE_MS)) {
            driver_tell();
            printf("\n... and no `%s` (errno %d)\n", text, errno);
            kill(-driver_child, SIGKILL);
            exit(91);
        }
    }
}

static inline void driver_type(const char *keys) {
    if (write(driver_master, keys, strlen(keys)) < 0) perror("typing");
}

// Types a line and waits for the next prompt.
static inline void driver_line(const char *line) {
    driver_type(line);
    driver_type("\n");
    driver_expect("\n");
    driver_expect("$ ");
}

// Waits for the program's end and says how it ended.
static inline void driver_finish(void) {
    while (driver_read(PATIENCE_MS)) {}
    int status;
    waitpid(driver_child, &status, 0);
    driver_tell();
    if (WIFEXITED(status)) printf("\nended with %d\n", WEXITSTATUS(status));
    else printf("\nended by signal %d\n", WTERMSIG(status));
}
