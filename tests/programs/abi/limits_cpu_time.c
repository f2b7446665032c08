// The limit of CPU time: a signal at the soft one, the end at the hard one.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t warned;

static void warn(int signal) { (void)signal, warned = 1; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int status;
    if (fork() == 0) {
        struct rlimit limit = {1, 1};
        setrlimit(RLIMIT_CPU, &limit);
        for (;;) ;
    }
    if (fork() == 0) {
        struct rlimit limit = {1, 3};
        signal(SIGXCPU, warn);
        setrlimit(RLIMIT_CPU, &limit);
        while (!warned) ;
        _exit(5);
    }
    int signals = 0, exits = 0;
    for (int i = 0; i < 2; i++) {
        wait(&status);
        if (WIFSIGNALED(status)) signals += WTERMSIG(status);
        else exits += WEXITSTATUS(status);
    }
    printf("ended by %s, warned %d\n", signals == SIGKILL || signals == SIGXCPU ? "the limit" : "another", exits);
    return 0;
}
