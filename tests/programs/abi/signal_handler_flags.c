// Proves what the flags of sigaction(2) do, and that it shows what it was given.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int depth, deepest, count, last_code, is_blocked;
static volatile pid_t last_pid;

static void plain(int signal) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    is_blocked = sigismember(&now, signal);
    if (++depth > deepest) deepest = depth;
    if (++count < 3) raise(signal);
    depth--;
}

static void with_info(int signal, siginfo_t *info, void *context) {
    (void)context;
    count++;
    last_code = info->si_code;
    last_pid = info->si_pid;
    if (info->si_signo != signal) printf("wrong si_signo\n");
}

static void reset(void) { depth = deepest = count = is_blocked = 0; }

int main(void) {
    struct sigaction action = {0}, old;
    action.sa_handler = plain;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("plain: count %d deepest %d blocked %d\n", count, deepest, is_blocked);

    reset();
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("nodefer: count %d deepest %d blocked %d\n", count, deepest, is_blocked);

    reset();
    count = 10;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    printf("resethand: count %d default %d\n", count, old.sa_handler == SIG_DFL);

    reset();
    memset(&action, 0, sizeof action);
    action.sa_sigaction = with_info;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGTERM, &action, NULL);
    kill(getpid(), SIGTERM);
    printf("kill: count %d code %d own %d\n", count, last_code, last_pid == getpid());
    raise(SIGTERM);
    printf("raise: count %d code %d own %d\n", count, last_code, last_pid == getpid());
    sigaction(SIGTERM, NULL, &old);
    printf("old: same %d flags %d %d mask %d %d\n", old.sa_sigaction == with_info,
           !!(old.sa_flags & SA_SIGINFO), !!(old.sa_flags & SA_RESTART),
           sigismember(&old.sa_mask, SIGUSR2), sigismember(&old.sa_mask, SIGUSR1));

    action.sa_handler = SIG_IGN;
    int refused[] = {SIGKILL, SIGSTOP, 0, 65};
    for (int i = 0; i < 4; i++) {
        int result = sigaction(refused[i], &action, NULL);
        printf("refused %d %d\n", result, errno == EINVAL);
    }
    printf("look at kill %d\n", sigaction(SIGKILL, NULL, &old));

    // A signal that is pending when it is ignored is forgotten.
    reset();
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGTERM));
    sigaction(SIGTERM, &action, NULL);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGTERM));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("alive, count %d\n", count);
    return 0;
}
