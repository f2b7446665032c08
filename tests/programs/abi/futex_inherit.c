// needs: root
// Locks whose holder inherits the priority of those who wait for it.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_PI = 6, UNLOCK_PI, TRYLOCK_PI, LOCK_PI2 = 13, PRIVATE = 128, REALTIME = 256 };
#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u

static uint32_t one, two;
static volatile pid_t holder;

static long futex(uint32_t *at, int op, const struct timespec *until) {
    long result = syscall(SYS_futex, at, op, 0, until, NULL, 0);
    return result < 0 ? -errno : result;
}

static pid_t own(void) { return (pid_t)syscall(SYS_gettid); }

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

// The letter and the priority that stat shows of a thread.
static char look(pid_t pid, pid_t tid, long *priority) {
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    FILE *file = fopen(path, "r");
    if (!file) return '-';
    fgets(text, sizeof text, file);
    fclose(file);
    char *at = strrchr(text, ')');
    if (!at) return '-';
    char letter = at[2];
    for (int field = 2; field < 18 && at; field++) at = strchr(at + 1, ' ');
    if (at && priority) *priority = strtol(at + 1, NULL, 10);
    return letter;
}

// Until somebody waits for the lock, and this thread sleeps there.
static void until_waits(uint32_t *at, pid_t pid, volatile pid_t *tid) {
    while (!*tid || !(*(volatile uint32_t *)at & WAITERS) || look(pid, *tid, NULL) != 'S')
        usleep(1000);
}

static void *take_and_keep(void *until) {
    futex(&one, LOCK_PI | PRIVATE, NULL);
    holder = own();
    while (!*(volatile int *)until) usleep(1000);
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    return NULL;
}

static void errors(void) {
    printf("take: %ld\n", futex(&one, LOCK_PI, NULL));
    printf("held by me: %d\n", one == (uint32_t)own());
    printf("again: %ld\n", futex(&one, LOCK_PI, NULL));
    printf("try: %ld\n", futex(&one, TRYLOCK_PI, NULL));
    printf("give: %ld\n", futex(&one, UNLOCK_PI, NULL));
    printf("not mine: %ld, word %x\n", futex(&one, UNLOCK_PI, NULL), one);
    printf("try: %ld\n", futex(&one, TRYLOCK_PI, NULL));
    printf("held by me: %d\n", one == (uint32_t)own());
    printf("give: %ld\n", futex(&one, UNLOCK_PI, NULL));
    two = 0x3ffffff0;
    printf("nobody: %ld, word %x\n", futex(&two, LOCK_PI, NULL), two);
    two = 0;
    printf("unaligned: %ld, unmapped: %ld\n", futex((uint32_t *)((char *)&two + 1), LOCK_PI, NULL),
           futex((uint32_t *)4096, LOCK_PI, NULL));
    static int is_over;
    pthread_t thread;
    pthread_create(&thread, NULL, take_and_keep, &is_over);
    while (!holder) usleep(1000);
    struct timespec past = {1, 0}, bad = {0, 1000000000}, soon;
    printf("taken: try %ld, past %ld, bad %ld\n", futex(&one, TRYLOCK_PI | PRIVATE, NULL),
           futex(&one, LOCK_PI | PRIVATE, &past), futex(&one, LOCK_PI | PRIVATE, &bad));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 0, soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    printf("soon: %ld\n", futex(&one, LOCK_PI | PRIVATE, &soon));
    printf("soon, named clock: %ld\n", futex(&one, LOCK_PI2 | PRIVATE | REALTIME, &soon));
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    printf("soon, steady clock: %ld\n", futex(&one, LOCK_PI2 | PRIVATE, &soon));
    printf("not mine: %ld\n", futex(&one, UNLOCK_PI | PRIVATE, NULL));
    is_over = 1;
    pthread_join(thread, NULL);
    printf("word: %x\n", one);
}

static int order[3], came;
static volatile pid_t tids[3];

static void *in_turn(void *number) {
    tids[(long)number] = own();
    futex(&one, LOCK_PI | PRIVATE, NULL);
    order[came++] = (int)(long)number;
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    return NULL;
}

static void turns(void) {
    pthread_t threads[3];
    futex(&one, LOCK_PI | PRIVATE, NULL);
    for (long number = 0; number < 3; number++) {
        pthread_create(&threads[number], NULL, in_turn, (void *)number);
        until_waits(&one, getpid(), &tids[number]);
    }
    printf("kept: %d\n", came == 0 && (one & ~WAITERS) == (uint32_t)own());
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    for (int number = 0; number < 3; number++) pthread_join(threads[number], NULL);
    printf("in the order of coming: %d %d %d, word %x\n", order[0], order[1], order[2], one);
}

static volatile pid_t circle;

static void *other_way(void *unused) {
    (void)unused;
    futex(&two, LOCK_PI | PRIVATE, NULL);
    circle = own();
    long result = futex(&one, LOCK_PI | PRIVATE, NULL);
    printf("the other waits: %ld\n", result);
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    futex(&two, UNLOCK_PI | PRIVATE, NULL);
    return NULL;
}

static void deadlock(void) {
    pthread_t thread;
    futex(&one, LOCK_PI | PRIVATE, NULL);
    pthread_create(&thread, NULL, other_way, NULL);
    until_waits(&one, getpid(), &circle);
    printf("a circle: %ld\n", futex(&two, LOCK_PI | PRIVATE, NULL));
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    pthread_join(thread, NULL);
    printf("words: %x %x\n", one, two);
}

static volatile pid_t heir;

static void *ends_with_it(void *unused) {
    (void)unused;
    futex(&one, LOCK_PI | PRIVATE, NULL);
    holder = own();
    until_waits(&one, getpid(), &heir);
    return NULL;
}

static void *inherits(void *unused) {
    (void)unused;
    heir = own();
    long result = futex(&one, LOCK_PI | PRIVATE, NULL);
    printf("its holder ended: %ld, mine: %d, bits %x\n", result,
           (one & 0x3fffffff) == (uint32_t)own(), one >> 30);
    one &= ~OWNER_DIED;
    printf("give: %ld\n", futex(&one, UNLOCK_PI | PRIVATE, NULL));
    return NULL;
}

static void death(void) {
    pthread_t first, second;
    holder = 0;
    pthread_create(&first, NULL, ends_with_it, NULL);
    while (!holder) usleep(1000);
    pthread_create(&second, NULL, inherits, NULL);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    printf("word: %x\n", one);
}

static pthread_mutex_t mutex;
static long total;

static void *count(void *unused) {
    (void)unused;
    for (int turn = 0; turn < 5000; turn++) {
        pthread_mutex_lock(&mutex);
        total++;
        if (turn % 64 == 0) sched_yield();
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *keep(void *unused) {
    (void)unused;
    pthread_mutex_lock(&mutex);
    return NULL;
}

static void library(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    printf("protocol: %d\n", pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    pthread_mutex_init(&mutex, &attributes);
    pthread_t threads[4];
    for (int number = 0; number < 4; number++) pthread_create(&threads[number], NULL, count, NULL);
    for (int number = 0; number < 4; number++) pthread_join(threads[number], NULL);
    printf("counted: %ld\n", total);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attributes);
    pthread_create(&threads[0], NULL, keep, NULL);
    pthread_join(threads[0], NULL);
    printf("its holder is dead: %d\n", pthread_mutex_lock(&mutex) == EOWNERDEAD);
    printf("consistent: %d\n", pthread_mutex_consistent(&mutex));
    printf("unlock: %d\n", pthread_mutex_unlock(&mutex));
    printf("lock: %d\n", pthread_mutex_lock(&mutex));
    printf("unlock: %d\n", pthread_mutex_unlock(&mutex));
}

static volatile sig_atomic_t caught;
static void note(int signal) { (void)signal; caught++; }

static void *interrupted(void *unused) {
    (void)unused;
    heir = own();
    printf("after a signal: %ld\n", futex(&one, LOCK_PI | PRIVATE, NULL));
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    return NULL;
}

static void interruption(void) {
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    heir = 0;
    futex(&one, LOCK_PI | PRIVATE, NULL);
    pthread_create(&thread, NULL, interrupted, NULL);
    until_waits(&one, getpid(), &heir);
    syscall(SYS_tgkill, getpid(), heir, SIGUSR1);
    while (!caught) usleep(1000);
    until_waits(&one, getpid(), &heir);
    futex(&one, UNLOCK_PI | PRIVATE, NULL);
    pthread_join(thread, NULL);
    printf("handled: %d\n", caught);
}

struct shared { uint32_t lock, outer; volatile pid_t low, middle, high; volatile int stage; };

static void become(int policy, int priority) {
    // musl has none of these calls.
    if (syscall(SYS_sched_setscheduler, 0, policy, &priority) != 0) perror("sched_setscheduler");
}

// A process of its own: priorities are of processes.
static pid_t start(void (*what)(struct shared *), struct shared *shared) {
    pid_t child = fork();
    if (child == 0) {
        what(shared);
        _exit(0);
    }
    return child;
}

static void low(struct shared *shared) {
    futex(&shared->lock, LOCK_PI, NULL);
    shared->low = getpid();
    while (shared->stage < 1) usleep(1000);
    futex(&shared->lock, UNLOCK_PI, NULL);
    while (shared->stage < 2) usleep(1000);
}

static void middle(struct shared *shared) {
    futex(&shared->outer, LOCK_PI, NULL);
    shared->middle = getpid();
    futex(&shared->lock, LOCK_PI, NULL);
    futex(&shared->lock, UNLOCK_PI, NULL);
    futex(&shared->outer, UNLOCK_PI, NULL);
    while (shared->stage < 2) usleep(1000);
}

static void high(struct shared *shared) {
    become(SCHED_FIFO, 60);
    shared->high = getpid();
    futex(&shared->outer, LOCK_PI, NULL);
    futex(&shared->outer, UNLOCK_PI, NULL);
}

static const char *urgency(pid_t pid) {
    long priority = 0;
    look(pid, pid, &priority);
    return priority < 0 ? "real-time" : "usual";
}

static void inheritance(struct shared *shared) {
    pid_t children[3];
    children[0] = start(low, shared);
    while (!shared->low) usleep(1000);
    children[1] = start(middle, shared);
    until_waits(&shared->lock, children[1], &shared->middle);
    printf("before: %s, %s\n", urgency(children[0]), urgency(children[1]));
    children[2] = start(high, shared);
    until_waits(&shared->outer, children[2], &shared->high);
    printf("inherited: %s, %s\n", urgency(children[0]), urgency(children[1]));
    int asked = -1;
    syscall(SYS_sched_getparam, children[0], &asked);
    printf("what it asked for: policy %ld, priority %d\n",
           syscall(SYS_sched_getscheduler, children[0]), asked);
    shared->stage = 1;
    waitpid(children[2], NULL, 0);
    printf("given back: %s, %s\n", urgency(children[0]), urgency(children[1]));
    shared->stage = 2;
    waitpid(children[0], NULL, 0);
    waitpid(children[1], NULL, 0);
    printf("words: %x %x\n", shared->lock, shared->outer);
}

static void on_one_cpu(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void slow(struct shared *shared) {
    on_one_cpu();
    futex(&shared->lock, LOCK_PI, NULL);
    shared->low = getpid();
    while (shared->stage < 1) usleep(1000);
    // Works while the other one would not let it.
    for (struct timespec used = {0}; used.tv_sec == 0 && used.tv_nsec < 300000000;)
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    futex(&shared->lock, UNLOCK_PI, NULL);
}

static void hog(struct shared *shared) {
    on_one_cpu();
    become(SCHED_FIFO, 10);
    shared->middle = getpid();
    for (double end = seconds() + 4; seconds() < end && shared->stage < 2;)
        ;
    _exit(shared->stage >= 2);
}

static void urgent(struct shared *shared) {
    become(SCHED_FIFO, 60);
    shared->high = getpid();
    futex(&shared->lock, LOCK_PI, NULL);
    shared->stage = 2;
    futex(&shared->lock, UNLOCK_PI, NULL);
}

// Of one that has the lock, one that keeps it from running, and one that needs the lock.
static void inversion(struct shared *shared) {
    memset(shared, 0, sizeof *shared);
    pid_t children[3];
    children[0] = start(slow, shared);
    while (!shared->low) usleep(1000);
    children[1] = start(urgent, shared);
    until_waits(&shared->lock, children[1], &shared->high);
    become(SCHED_FIFO, 70);
    children[2] = start(hog, shared);
    while (!shared->middle) usleep(1000);
    shared->stage = 1;
    int status = 0;
    waitpid(children[2], &status, 0);
    become(SCHED_OTHER, 0);
    printf("no inversion: %d\n", WIFEXITED(status) && WEXITSTATUS(status) == 1);
    waitpid(children[0], NULL, 0);
    waitpid(children[1], NULL, 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    errors();
    turns();
    deadlock();
    death();
    library();
    interruption();
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    inheritance(shared);
    inversion(shared);
    return 0;
}
