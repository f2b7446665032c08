/* syscall_fuzz SEED CALLS [harmless | THREADS]
 *
 * Makes CALLS system calls with random numbers and random arguments: valid, invalid and just at the
 * edge. Half of them follow a grammar (fuzz_grammar.h), so that they get further. Whatever becomes of
 * this program, the kernel must survive it. The same seed makes the same calls, as long as one thread
 * makes them; with THREADS that many race for the same memory and descriptors.
 *
 * They are made by children, one after the other, in a root directory of their own, every second
 * one without privileges. A child that waits for ever, or has ended, is followed by the next.
 * Nothing is excluded but what would end a child before its time (exit, a signal to itself,
 * unmapping its own code), multiply it, or change something outside of it. With `harmless` only
 * calls are made that change nothing at all: that is how it is tried out on Linux.
 *
 * Calls are made by the bare instruction: libc's wrappers would crash in user space on what the
 * kernel has to refuse.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARENA_PAGES 64
#define PAGE 4096UL
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static __thread uint64_t state;

/* xorshift64*: small, and good enough to vary arguments. */
static uint64_t next_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
}

static uint64_t below(uint64_t bound)
{
    return next_random() % bound;
}

static long call(uint64_t number, const uint64_t argument[6])
{
    register uint64_t r10 __asm__("r10") = argument[3];
    register uint64_t r8 __asm__("r8") = argument[4];
    register uint64_t r9 __asm__("r9") = argument[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Memory that the calls may read, write, unmap and protect; the page behind it is never mapped. */
static unsigned char *arena;

static uint64_t random_pointer(void)
{
    static const uint64_t edges[] = {
        0, 1, 8, PAGE - 1, PAGE,
        0x00007ffffffff000, 0x00007fffffffffff, 0x0000800000000000, 0xffff7fffffffffff,
        0xffff800000000000, 0xffffffff80000000, 0xffffffff80200000, 0xfffffffffffff000,
        0xffffffffffffffff, 0xdeadbeef00000000,
    };
    switch (below(5)) {
    case 0:
        return edges[below(ARRAY_LENGTH(edges))];
    case 1: /* ends within a few bytes of unmapped memory */
        return (uint64_t)arena + ARENA_PAGES * PAGE - below(64);
    case 2: /* crosses a page */
        return (uint64_t)arena + below(ARENA_PAGES) * PAGE - below(16) + 16;
    default:
        return (uint64_t)arena + below(ARENA_PAGES * PAGE);
    }
}

static uint64_t random_argument(void)
{
    static const uint64_t numbers[] = {
        0, 1, 2, 3, 4, 7, 8, 15, 16, 64, 100, 255, 256, 4095, 4096, 4097, 65535, 65536,
        0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
        0xffffffffffffffff, 0xfffffffffffffff8, 0xffffffffffffff9c /* AT_FDCWD */,
    };
    switch (below(6)) {
    case 0:
    case 1:
        return random_pointer();
    case 2:
        return numbers[below(ARRAY_LENGTH(numbers))];
    case 3:
        return below(16);
    case 4:
        return 1ULL << below(64);
    default:
        return next_random() >> below(64);
    }
}

/* MultiOS's own calls begin here. */
#define FIRST_NATIVE 0x4d4f00UL

static uint64_t random_number(void)
{
    switch (below(16)) {
    case 0:
        return next_random();
    case 1:
        return next_random() & 0xffffffff;
    case 2: /* above Linux's numbers */
        return 460 + below(4096);
    case 3: /* MultiOS's own */
        return FIRST_NATIVE + below(16);
    default:
        return below(463);
    }
}

#include "fuzz_grammar.h"

/* What changes nothing outside of this program, whatever the arguments. */
static const uint16_t harmless_numbers[] = {
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_uname, SYS_getcwd, SYS_times, SYS_getrusage, SYS_sysinfo, SYS_gettimeofday,
    SYS_clock_gettime, SYS_clock_getres, SYS_sched_yield, SYS_getrlimit, SYS_getpgid, SYS_getsid,
    SYS_getpgrp, SYS_sched_getaffinity, SYS_getpriority, SYS_sched_getscheduler, SYS_rt_sigpending,
    SYS_access, SYS_stat, SYS_lstat, SYS_newfstatat, SYS_readlink, SYS_time, SYS_getcpu,
    SYS_getrandom, SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_mincore, SYS_msync,
};

static int is_excluded(uint64_t number)
{
    switch (number & 0xffffffff) {
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn:
    case SYS_execve: case SYS_execveat:
    case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_clone3:
    case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo: case SYS_pidfd_send_signal: case SYS_vhangup:
    case SYS_reboot: case SYS_sethostname: case SYS_seccomp: case SYS_setrlimit: case SYS_prlimit64: case SYS_chroot:
    case SYS_shmat: case SYS_remap_file_pages: case SYS_process_madvise: case SYS_ptrace:
    case SYS_clock_settime: case SYS_settimeofday: case SYS_adjtimex: case SYS_clock_adjtime:
    /* of other processes, which the numbers may hit */
    case FIRST_NATIVE + 2: case FIRST_NATIVE + 5: case FIRST_NATIVE + 6: case FIRST_NATIVE + 7:
    case FIRST_NATIVE + 8: case FIRST_NATIVE + 9:
    case SYS_setpriority: case SYS_ioprio_set: case SYS_sched_setaffinity: case SYS_sched_setattr:
    case SYS_sched_setparam: case SYS_sched_setscheduler: case SYS_process_vm_writev:
        return 1;
    default:
        return 0;
    }
}

#define FIRST_KERNEL_ADDRESS 0x0000800000000000UL

/* Keeps what unmaps or protects away from this program's own memory. */
static void confine(uint64_t number, uint64_t argument[6])
{
    static const struct timespec moment = {0, 1000};
    uint64_t page = below(ARENA_PAGES);
    switch (number) {
    case SYS_mmap:
        if (below(4) == 0) {
            argument[0] = (uint64_t)arena + page * PAGE;
            argument[1] = (1 + below(ARENA_PAGES - page)) * PAGE;
        } else {
            argument[3] &= ~(uint64_t)(MAP_FIXED | MAP_FIXED_NOREPLACE);
        }
        break;
    case SYS_munmap: case SYS_mprotect: case SYS_madvise: case SYS_mremap: case SYS_pkey_mprotect:
        argument[3] &= ~2UL; /* MREMAP_FIXED */
        if (argument[0] >= FIRST_KERNEL_ADDRESS && argument[0] + argument[1] >= argument[0])
            break; /* the kernel's own: has to be refused */
        argument[0] = (uint64_t)arena + page * PAGE + (below(8) == 0 ? below(PAGE) : 0);
        argument[1] = below(8) == 0 ? argument[1] | 1UL << 63 : below(ARENA_PAGES - page) * PAGE;
        break;
    case SYS_brk:
        argument[0] |= 1UL << 63;
        break;
    case SYS_arch_prctl:
        if (argument[0] == 0x1002) /* ARCH_SET_FS: the C library's own */
            argument[0] = 0x1003;
        break;
    case SYS_prctl:
        if (argument[0] == 22) /* PR_SET_SECCOMP */
            argument[0] = 21;
        break;
    case SYS_poll:
        argument[2] &= 3; /* milliseconds */
        break;
    case SYS_nanosleep:
        argument[0] = below(2) ? (uint64_t)&moment : argument[0] | 1UL << 63;
        break;
    case SYS_clock_nanosleep:
        argument[1] = 0; /* not until an absolute time */
        argument[2] = below(2) ? (uint64_t)&moment : argument[2] | 1UL << 63;
        break;
    case SYS_futex:
        argument[1] = (argument[1] & ~127UL) | 1; /* FUTEX_WAKE */
        break;
    default:
        break;
    }
}

/* The arena comes back after calls that unmapped parts of it. */
static int restore_arena(void)
{
    void *again = mmap(arena, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (again != arena)
        return -1;
    for (uint64_t at = 0; at < ARENA_PAGES * PAGE; at += 8) {
        uint64_t value = (at % 512 == 0) ? random_argument() : below(256);
        memcpy(arena + at, &value, sizeof value);
    }
    memcpy(arena + 64, "/etc/hostname", 14);
    memcpy(arena + PAGE, "/bin", 5);
    return 0;
}

/* What the children share with their parent. */
struct progress {
    volatile uint64_t made, succeeded;
};

static void interrupt(int signal)
{
    (void)signal; /* ends waits, nothing else */
}

/* Waits are ended every few milliseconds, unless the calls themselves turn that off. */
static void interrupt_waits(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval every = {{0, 5000}, {0, 5000}};
    sigset_t none;
    sigemptyset(&none);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void fuzz(struct progress *progress, uint64_t calls, int is_harmless)
{
    uint64_t own = 0;
    if (!is_harmless)
        open_descriptors();
    while (progress->made < calls) {
        uint64_t argument[6];
        for (int i = 0; i < 6; i++)
            argument[i] = random_argument();
        uint64_t number;
        if (is_harmless) {
            number = harmless_numbers[below(ARRAY_LENGTH(harmless_numbers))];
        } else {
            number = random_number();
            if (below(2)) {
                const struct shape *shape = &shapes[below(ARRAY_LENGTH(shapes))];
                number = shape->number;
                for (int i = 0; i < 6; i++)
                    argument[i] = argument_of(shape->kinds[i]);
            }
            if (is_excluded(number))
                continue;
            confine(number, argument);
        }
        __atomic_add_fetch(&progress->made, 1, __ATOMIC_RELAXED);
        long result = call(number, argument);
        if (result >= 0 || result < -4095)
            __atomic_add_fetch(&progress->succeeded, 1, __ATOMIC_RELAXED);
        if (++own % 256 == 0) {
            if (!is_harmless)
                open_descriptors();
            if (restore_arena() != 0)
                _exit(3);
            interrupt_waits();
        }
    }
    _exit(0);
}

/* One of several threads. */
struct racer {
    struct progress *progress;
    uint64_t calls, seed;
};

static void *race(void *given)
{
    struct racer *racer = given;
    state = racer->seed;
    fuzz(racer->progress, racer->calls, 0);
    return NULL;
}

/* Has threads make the calls beside the running one. */
static void start_racers(struct progress *progress, uint64_t calls, unsigned count)
{
    static struct racer racers[16];
    pthread_t thread;
    for (unsigned number = 0; number < count && number < ARRAY_LENGTH(racers); number++) {
        racers[number] = (struct racer){progress, calls, state + (number + 1) * 0x9E3779B97F4A7C15ULL};
        if (pthread_create(&thread, NULL, race, &racers[number]) != 0) {
            if (number == 0)
                _exit(6);
            /* Those that race already may have taken away what another needs. */
            return;
        }
    }
}

/* A root directory of the child's own, with what the random paths name. What it writes is lost: its
 * parent's output is for the parent. */
static void enter_root(unsigned generation)
{
    char path[64];
    int nothing = open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor < 3; descriptor++)
        dup2(nothing, descriptor);
    snprintf(path, sizeof path, "/tmp/fuzz-%d-%u", (int)getppid(), generation);
    if (mkdir(path, 0777) != 0 || chroot(path) != 0 || chdir("/") != 0)
        _exit(4);
    mkdir("bin", 0777);
    mkdir("etc", 0777);
    close(open("etc/hostname", O_CREAT | O_WRONLY, 0666));
    if (generation % 2 == 1 && (setgid(1000) != 0 || setuid(1000) != 0))
        _exit(5);
}

/* Waits until the child has ended, or ends it when it makes no calls any more. */
static int supervise(pid_t child, const struct progress *progress)
{
    static const struct timespec look = {0, 20 * 1000000};
    uint64_t seen = progress->made;
    int status, idle = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        nanosleep(&look, NULL);
        idle = progress->made == seen ? idle + 1 : 0;
        seen = progress->made;
        if (idle == 25) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "syscall_fuzz SEED CALLS [harmless]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 0);
    uint64_t calls = strtoull(argv[2], NULL, 0);
    int is_harmless = argc > 3 && strcmp(argv[3], "harmless") == 0;
    unsigned threads = argc > 3 && !is_harmless ? (unsigned)strtoul(argv[3], NULL, 0) : 1;

    printf("seed %llu, %llu calls\n", (unsigned long long)seed, (unsigned long long)calls);
    fflush(stdout);
    arena = mmap(NULL, (ARENA_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct progress *progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || progress == MAP_FAILED ||
        munmap(arena + ARENA_PAGES * PAGE, PAGE) != 0 || restore_arena() != 0) {
        perror("mmap");
        return 1;
    }
    unsigned generation = 0, killed = 0;
    for (; progress->made < calls; generation++) {
        pid_t child = fork();
        if (child < 0) {
            perror("fork");
            return 1;
        }
        if (child == 0) {
            state = (seed * 2 + 1) * 0x9E3779B97F4A7C15ULL + generation;
            if (!is_harmless)
                enter_root(generation);
            interrupt_waits();
            start_racers(progress, calls, threads - 1);
            fuzz(progress, calls, is_harmless);
        }
        int status = supervise(child, progress);
        killed += WIFSIGNALED(status);
        if (WIFEXITED(status) && WEXITSTATUS(status) > 3) {
            printf("child %u could not be set up: %d\n", generation, WEXITSTATUS(status));
            return 1;
        }
    }
    printf("made %llu calls, %llu succeeded, %u children, %u killed\n",
           (unsigned long long)progress->made, (unsigned long long)progress->succeeded, generation,
           killed);
    return 0;
}
