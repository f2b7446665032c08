// Proves that real-time signals queue in order with their values, that standard ones do not, and
// what sigtimedwait(2), sigpending(2) and sigqueue(3) answer.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    sigset_t set, pending;
    sigemptyset(&set);
    int low = SIGRTMIN, high = SIGRTMIN + 1;
    sigaddset(&set, low);
    sigaddset(&set, high);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct timespec none = {0, 0}, brief = {0, 20000000};
    siginfo_t info;
    int result = sigtimedwait(&set, &info, &none);
    printf("nothing: %d %d\n", result, errno == EAGAIN);
    result = sigtimedwait(&set, &info, &brief);
    printf("nothing for a while: %d %d\n", result, errno == EAGAIN);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), high, (union sigval){.sival_int = 10 + i});
        sigqueue(getpid(), low, (union sigval){.sival_int = 20 + i});
        kill(getpid(), SIGUSR1);
    }
    sigpending(&pending);
    printf("pending %d %d %d %d\n", sigismember(&pending, low), sigismember(&pending, high),
           sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
    for (int i = 0; i < 8; i++) {
        memset(&info, 0, sizeof info);
        int got = sigtimedwait(&set, &info, &none);
        if (got < 0) {
            printf("end %d\n", errno == EAGAIN);
            break;
        }
        printf("took %s code %d value %d own %d\n",
               got == low ? "low" : got == high ? "high" : "usr1", info.si_code,
               got == SIGUSR1 ? 0 : info.si_value.sival_int, info.si_pid == getpid());
    }
    struct timespec wrong = {0, 1000000000};
    result = sigtimedwait(&set, &info, &wrong);
    printf("wrong time: %d %d\n", result, errno == EINVAL);

    // Nobody may pretend to be the kernel towards another process; to itself anybody may.
    memset(&info, 0, sizeof info);
    info.si_signo = low;
    info.si_code = SI_USER;
    result = (int)syscall(SYS_rt_sigqueueinfo, 1, low, &info);
    printf("forged to init: %d\n", result == -1 && (errno == EPERM || errno == ESRCH));
    result = (int)syscall(SYS_rt_sigqueueinfo, getpid(), low, &info);
    printf("forged to itself: %d\n", result);
    result = (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), high, &info);
    printf("to the thread: %d\n", result);
    // What is for the thread alone comes first.
    printf("took %d\n", sigwaitinfo(&set, &info) == high);
    printf("took %d\n", sigwaitinfo(&set, &info) == low);
    printf("size: %d\n", (int)syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 7) == -1 && errno == EINVAL);

    result = kill(getpid(), 0);
    printf("kill 0: %d\n", result);
    result = kill(getpid(), 65);
    printf("kill 65: %d %d\n", result, errno == EINVAL);
    result = kill(4000000, 0);
    printf("kill nobody: %d %d\n", result, errno == ESRCH);
    result = (int)syscall(SYS_tkill, 0, SIGTERM);
    printf("tkill 0: %d %d\n", result, errno == EINVAL);
    result = (int)syscall(SYS_tgkill, getpid() + 1, getpid(), 0);
    printf("tgkill of another: %d %d\n", result, errno == ESRCH);
    return 0;
}
