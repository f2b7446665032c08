// MultiOS's own calls: what they do, what they refuse, and to whom.
// linux: skip these calls are MultiOS's own
// needs: root
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSION = 0x4d4f00, CREATE, TERMINATE, INFO, LIST, SUSPEND, RESUME, LIMITS, SCHEDULING, SIGNAL, WAIT };
enum { SET_MEMORY = 1, SET_FILES = 4, SET_CALLS = 512 };
enum { NOT_FOUND = ESRCH, INVALID_STATE = EBUSY, INVALID_PRIORITY = ERANGE, INVALID_LIMITS = ECHRNG,
    NO_SUCH_SIGNAL = EOPNOTSUPP, INVALID_PID = EDOM };

struct limits { uint64_t set, memory, stack, files, processes, rest[5]; };
struct create {
    uint64_t path, arguments, environment, directory, name, flags;
    int32_t standard[3];
    uint32_t isolation;
    uint64_t root, calls, call_count;
    uint32_t network, on_violation, uid, gid;
    uint64_t groups;
    uint32_t group_count, priority, class;
    int32_t nice;
    struct limits limits;
    uint64_t reserved[6];
};
struct terminate { uint32_t pid, force, grace_ms, reserved; };
struct set_limits { uint32_t pid, reserved; struct limits limits; };
struct scheduling { uint32_t pid, flags, priority, class; int32_t nice; uint32_t reserved; };
struct list { uint32_t cursor, capacity; uint64_t buffer; uint32_t info_bytes, remembered; };
struct wait { uint32_t pid, kind, value, reserved; uint64_t timeout_ns; };
struct info {
    uint32_t pid, parent, group, session, state, priority, class;
    int32_t nice;
    uint32_t isolation, threads, uid, gid, cpu, open_files, kind, value;
    char name[16];
    uint64_t rest[18];
    struct limits limits;
    uint64_t reserved[6];
};
_Static_assert(sizeof(struct create) == 256, "create");
_Static_assert(sizeof(struct info) == 352, "info");
_Static_assert(sizeof(struct set_limits) == 88, "limits");

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: %s, errno %d\n", __LINE__, #condition, errno); \
            exit(1); \
        } \
    } while (0)
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))
#define WITH(number, value) syscall(number, &(value), sizeof(value))

static struct create sleeper(void)
{
    static char *arguments[] = { "sleep", "1000", 0 };
    struct create it = { .path = (uint64_t)"/bin/sleep", .arguments = (uint64_t)arguments,
        .standard = { -1, -1, -1 } };
    return it;
}

static struct info info_of(uint32_t pid)
{
    struct info info;
    memset(&info, 0xee, sizeof info);
    CHECK(syscall(INFO, pid, &info, sizeof info) == 0);
    return info;
}

static void end(uint32_t pid)
{
    struct terminate by_force = { .pid = pid, .force = 1 };
    CHECK(WITH(TERMINATE, by_force) == 0);
    struct wait wait = { .pid = pid, .timeout_ns = UINT64_MAX };
    CHECK(WITH(WAIT, wait) == 0);
    CHECK(wait.kind == 2 && wait.value == SIGKILL);
}

static void a_child_s_life(void)
{
    struct create new = sleeper();
    new.name = (uint64_t)"napper";
    new.priority = 2;
    new.class = 4;
    new.flags = 2;
    new.nice = 5;
    new.limits = (struct limits){ .set = SET_MEMORY | SET_FILES, .memory = 32 << 20, .files = 64 };
    long pid = WITH(CREATE, new);
    CHECK(pid > 0);
    struct info info = info_of(pid);
    CHECK(info.pid == pid && info.parent == (uint32_t)getpid());
    CHECK(!strcmp(info.name, "napper") && info.priority == 2 && info.class == 4 && info.nice == 5);
    CHECK(info.isolation == 2 && info.limits.memory == 32 << 20 && info.limits.files == 64);
    CHECK(info.session == (uint32_t)getsid(0) && info.group == (uint32_t)getpgrp());

    CHECK(syscall(SUSPEND, pid) == 0);
    CHECK(info_of(pid).state == 5);
    FAILS(syscall(SUSPEND, pid), INVALID_STATE);
    CHECK(syscall(RESUME, pid) == 0);
    FAILS(syscall(RESUME, pid), INVALID_STATE);

    struct scheduling change = { .pid = pid, .flags = 1 | 4, .priority = 4, .nice = -3 };
    CHECK(WITH(SCHEDULING, change) == 0);
    CHECK(info_of(pid).priority == 4 && info_of(pid).nice == -3 && info_of(pid).class == 4);
    change.priority = 7;
    FAILS(WITH(SCHEDULING, change), INVALID_PRIORITY);
    struct set_limits limits = { .pid = pid, .limits = { .set = SET_MEMORY, .memory = 48 << 20 } };
    CHECK(WITH(LIMITS, limits) == 0 && info_of(pid).limits.memory == 48 << 20);
    limits.limits = (struct limits){ .set = 16 | 32, .rest = { 1000000000, 50 } };
    CHECK(WITH(LIMITS, limits) == 0 && info_of(pid).limits.rest[1] == 50);
    limits.limits = (struct limits){ .set = 16, .rest = { UINT64_MAX } };
    CHECK(WITH(LIMITS, limits) == 0 && info_of(pid).limits.rest[0] == UINT64_MAX);
    CHECK(info_of(pid).limits.rest[1] == 50);
    limits.limits = (struct limits){ .set = SET_MEMORY };
    limits.limits.memory = 1;
    FAILS(WITH(LIMITS, limits), INVALID_LIMITS);

    struct wait wait = { .pid = pid, .timeout_ns = 20 * 1000 * 1000 };
    FAILS(WITH(WAIT, wait), ETIMEDOUT);
    CHECK(syscall(SIGNAL, pid, 0) == 0);
    FAILS(syscall(SIGNAL, pid, 65), NO_SUCH_SIGNAL);
    struct terminate gracefully = { .pid = pid, .grace_ms = 10000 };
    CHECK(WITH(TERMINATE, gracefully) == 0);
    wait.timeout_ns = UINT64_MAX;
    CHECK(WITH(WAIT, wait) == 0 && wait.kind == 2 && wait.value == SIGTERM);
    FAILS(waitpid(pid, 0, WNOHANG), ECHILD);
    FAILS(WITH(TERMINATE, gracefully), INVALID_STATE);
    CHECK(info_of(pid).state == 8 && info_of(pid).value == SIGTERM);

    // A child that wait4 takes, too, with the caller's own output.
    char *arguments[] = { "sh", "-c", "read line; echo $line; exit 7", 0 };
    int input[2], output[2];
    CHECK(pipe(input) == 0 && pipe(output) == 0);
    struct create shell = { .path = (uint64_t)"/bin/sh", .arguments = (uint64_t)arguments,
        .standard = { input[0], output[1], 2 } };
    pid = WITH(CREATE, shell);
    CHECK(pid > 0 && write(input[1], "hello\n", 6) == 6);
    char text[16] = { 0 };
    CHECK(read(output[0], text, sizeof text) == 6 && !strcmp(text, "hello\n"));
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void lists(void)
{
    struct create new = sleeper();
    long pids[5];
    for (int i = 0; i < 5; i++)
        CHECK((pids[i] = WITH(CREATE, new)) > 0);
    // Two at a time, for a caller that knows only the first 16 bytes of each.
    uint32_t page[2][4];
    struct list list = { .capacity = 2, .buffer = (uint64_t)page, .info_bytes = sizeof page[0] };
    int found = 0, own = 0;
    uint32_t last = 0;
    long count;
    while ((count = WITH(LIST, list)) > 0) {
        for (int i = 0; i < count; i++) {
            CHECK(page[i][0] > last);
            last = page[i][0];
            own += last == (uint32_t)getpid();
            for (int j = 0; j < 5; j++)
                found += last == pids[j];
        }
        CHECK(list.cursor >= last);
    }
    CHECK(count == 0 && found == 5 && own == 1);
    for (int i = 0; i < 5; i++)
        end(pids[i]);
    list.buffer = 8;
    list.cursor = 0;
    FAILS(WITH(LIST, list), EFAULT);
    list.info_bytes = 0;
    FAILS(WITH(LIST, list), EINVAL);
}

static void bad_arguments(void)
{
    CHECK(syscall(VERSION) >= 1);
    FAILS(syscall(VERSION + 0x3f), ENOSYS);
    struct create new = sleeper();
    FAILS(syscall(CREATE, &new, 0), EINVAL);
    FAILS(syscall(CREATE, &new, 5000), E2BIG);
    FAILS(syscall(CREATE, 8, sizeof new), EFAULT);
    // A longer structure, of which the end is zero, then not.
    char longer[sizeof new + 16] = { 0 };
    memcpy(longer, &new, sizeof new);
    long pid = syscall(CREATE, longer, sizeof longer);
    CHECK(pid > 0);
    end(pid);
    longer[sizeof new + 9] = 1;
    FAILS(syscall(CREATE, longer, sizeof longer), E2BIG);
    // A shorter one, whose end is zero: `standard` is what it has as input, output and error, then.
    pid = syscall(CREATE, &new, 16);
    CHECK(pid > 0);
    end(pid);
    new.flags = 64;
    FAILS(WITH(CREATE, new), EINVAL);
    new = sleeper();
    new.reserved[3] = 1;
    FAILS(WITH(CREATE, new), EINVAL);
    new = sleeper();
    new.path = 8;
    FAILS(WITH(CREATE, new), EFAULT);
    new.path = (uint64_t)"/no/such";
    FAILS(WITH(CREATE, new), ENOENT);
    new.path = (uint64_t)"/etc/hostname";
    FAILS(WITH(CREATE, new), EACCES);
    new = sleeper();
    new.standard[1] = 700;
    FAILS(WITH(CREATE, new), EBADF);
    new = sleeper();
    new.isolation = 9;
    FAILS(WITH(CREATE, new), EINVAL);
    new.isolation = 2;
    new.network = 1;
    FAILS(WITH(CREATE, new), EINVAL);
    new = sleeper();
    new.priority = 9;
    FAILS(WITH(CREATE, new), INVALID_PRIORITY);
    new = sleeper();
    new.class = 1;
    FAILS(WITH(CREATE, new), INVALID_PRIORITY);
    new = sleeper();
    new.limits.set = SET_CALLS;
    FAILS(WITH(CREATE, new), EINVAL);
    new = sleeper();
    new.isolation = 3;
    new.root = (uint64_t)"/";
    FAILS(WITH(CREATE, new), EINVAL);
    uint64_t calls[] = { 0, 1000 };
    new.root = (uint64_t)"/bin";
    new.path = (uint64_t)"/sleep";
    new.calls = (uint64_t)calls;
    new.call_count = 2;
    FAILS(WITH(CREATE, new), EINVAL);

    struct info info;
    FAILS(syscall(INFO, 4000000, &info, sizeof info), NOT_FOUND);
    FAILS(syscall(INFO, -1, &info, sizeof info), INVALID_PID);
    FAILS(syscall(INFO, getpid(), 8, sizeof info), EFAULT);
    FAILS(syscall(INFO, getpid(), &info, 0), EINVAL);
    struct wait self = { .pid = getpid() };
    FAILS(WITH(WAIT, self), EPERM);
    struct terminate strange = { .pid = getpid(), .force = 2 };
    FAILS(WITH(TERMINATE, strange), EINVAL);
    struct scheduling flags = { .flags = 8 };
    FAILS(WITH(SCHEDULING, flags), EINVAL);
}

static void a_sandbox(void)
{
    char *arguments[] = { "/busybox", "sleep", "1000", 0 };
    struct create new = { .path = (uint64_t)"/busybox", .arguments = (uint64_t)arguments,
        .standard = { -1, -1, -1 }, .isolation = 3, .root = (uint64_t)"/bin" };
    long pid = WITH(CREATE, new);
    CHECK(pid > 0);
    CHECK(info_of(pid).isolation == 3);
    end(pid);
    // A directory leads out of its root.
    int root = open("/", O_RDONLY);
    CHECK(root >= 0);
    new.standard[0] = root;
    FAILS(WITH(CREATE, new), EPERM);
}

/* As a user without rights, with a process of root's in sight. */
static void without_rights(uint32_t roots)
{
    struct terminate by_force = { .pid = roots, .force = 1 };
    FAILS(WITH(TERMINATE, by_force), EPERM);
    FAILS(syscall(SUSPEND, roots), EPERM);
    FAILS(syscall(RESUME, roots), EPERM);
    FAILS(syscall(SIGNAL, roots, SIGTERM), EPERM);
    struct scheduling change = { .pid = roots, .flags = 4, .nice = 10 };
    FAILS(WITH(SCHEDULING, change), EPERM);
    struct set_limits limits = { .pid = roots, .limits = { .set = SET_FILES, .files = 10 } };
    FAILS(WITH(LIMITS, limits), EPERM);
    CHECK(info_of(roots).uid == 0);

    // Its own it may lower, and not raise again.
    change = (struct scheduling){ .flags = 1 | 4, .priority = 2, .nice = 3 };
    CHECK(WITH(SCHEDULING, change) == 0);
    change.priority = 3;
    FAILS(WITH(SCHEDULING, change), EPERM);
    change = (struct scheduling){ .flags = 2, .class = 5 };
    FAILS(WITH(SCHEDULING, change), EPERM);
    limits = (struct set_limits){ .limits = { .set = SET_FILES, .files = 100 } };
    CHECK(WITH(LIMITS, limits) == 0);
    limits.limits.files = 101;
    FAILS(WITH(LIMITS, limits), EPERM);

    struct create new = sleeper();
    new.flags = 1;
    FAILS(WITH(CREATE, new), EPERM); // as root
    new.uid = new.gid = 1001;
    FAILS(WITH(CREATE, new), EPERM); // as another user
    new.uid = new.gid = 1000;
    long pid = WITH(CREATE, new); // as itself
    CHECK(pid > 0 && info_of(pid).uid == 1000 && info_of(pid).limits.files == 100);
    end(pid);
    new = sleeper();
    new.priority = 4;
    FAILS(WITH(CREATE, new), EPERM);
    new = sleeper();
    new.limits = (struct limits){ .set = SET_MEMORY, .memory = 1ULL << 40 };
    FAILS(WITH(CREATE, new), EPERM);
}

int main(void)
{
    a_child_s_life();
    lists();
    bad_arguments();
    a_sandbox();
    struct create new = sleeper();
    long roots = WITH(CREATE, new);
    CHECK(roots > 0);
    pid_t user = fork();
    if (user == 0) {
        CHECK(setgroups(0, 0) == 0 && setgid(1000) == 0 && setuid(1000) == 0);
        without_rights(roots);
        _exit(0);
    }
    int status;
    CHECK(waitpid(user, &status, 0) == user);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    end(roots);
    printf("all is as it should be\n");
    return 0;
}
