/* Descriptors that were just used: closed, replaced, given to threads and children, they stand for what
 * they stand for now, and what is closed is closed at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char byte;

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

/* Reads twice, so that the descriptor is a known one. */
static void use(int fd) {
    for (int i = 0; i < 2; i++)
        if (read(fd, &byte, 1) != 1) printf("cannot use %d\n", fd);
}

static int from[2], to[2], go[2];

static void *close_and_tell(void *unused) {
    show("a thread reads", read(from[0], &byte, 1));
    close(from[0]);
    write(to[1], "x", 1);
    return unused;
}

static void *read_on(void *unused) {
    use(from[0]);
    write(to[1], "x", 1);
    read(go[0], &byte, 1);
    show("a thread reads what is there now", read(from[0], &byte, 1));
    return unused;
}

int main(void) {
    int status;
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);
    use(zero);
    close(zero);
    show("read closed", read(zero, &byte, 1));

    pipe(from);
    write(from[1], "abcd", 4);
    use(from[0]);
    close(from[0]);
    show("write without a reader", write(from[1], "x", 1));
    close(from[1]);

    pipe(from);
    write(from[1], "ab", 2);
    use(from[0]);
    show("dup2", dup2(null, from[0]) == from[0]);
    show("read replaced", read(from[0], &byte, 1));
    show("write to what was replaced", write(from[1], "x", 1));
    close(from[0]);
    close(from[1]);

    pipe(from);
    write(from[1], "ab", 2);
    use(from[0]);
    syscall(SYS_close_range, from[0], from[0], 0);
    show("write after close_range", write(from[1], "x", 1));
    close(from[1]);

    /* The writing end, known, is the last one: its reader sees the end at once. */
    pipe(from);
    write(from[1], "a", 1);
    write(from[1], "b", 1);
    fflush(stdout);
    if (fork() == 0) {
        close(from[1]);
        while (read(from[0], &byte, 1) == 1) printf("child: %c\n", byte);
        printf("child: end\n");
        fflush(stdout);
        _exit(0);
    }
    close(from[0]);
    write(from[1], "c", 1);
    close(from[1]);
    fflush(stdout);
    wait(&status);

    /* A child that shares the table closes what its parent knows. */
    pipe(from);
    write(from[1], "abc", 3);
    use(from[0]);
    static char stack[65536] __attribute__((aligned(16)));
    int child = clone((int (*)(void *))(void *)close, stack + sizeof stack, CLONE_FILES | CLONE_VM | SIGCHLD,
                      (void *)(long)from[0]);
    waitpid(child, &status, 0);
    show("read what a child closed", read(from[0], &byte, 1));
    show("write to it", write(from[1], "x", 1));
    close(from[1]);

    /* Threads: one closes or replaces what the other knows. */
    pipe(from);
    pipe(to);
    pipe(go);
    write(from[1], "abc", 3);
    use(from[0]);
    pthread_create(&thread, NULL, close_and_tell, NULL);
    read(to[0], &byte, 1);
    show("read what a thread closed", read(from[0], &byte, 1));
    show("write to it", write(from[1], "x", 1));
    pthread_join(thread, NULL);
    close(from[1]);

    pipe(from);
    write(from[1], "ab", 2);
    pthread_create(&thread, NULL, read_on, NULL);
    read(to[0], &byte, 1);
    dup2(null, from[0]);
    write(go[1], "x", 1);
    pthread_join(thread, NULL);
    /* Alone again. */
    use(open("/dev/zero", O_RDONLY));
    show("read of null", read(from[0], &byte, 1));
    show("write without a reader", write(from[1], "x", 1));

    return 0;
}
