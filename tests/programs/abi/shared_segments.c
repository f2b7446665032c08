// needs: root
// Shared memory by number: shmget, shmat, shmdt, shmctl.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 10000 };

static const char *said(long result) { return result < 0 ? strerror(errno) : "fine"; }

static void show(const char *what, int id) {
    struct shmid_ds about;
    memset(&about, 0xff, sizeof about);
    if (shmctl(id, IPC_STAT, &about) < 0) {
        printf("%s: %s\n", what, strerror(errno));
        return;
    }
    printf("%s: %zu bytes, mode %o, %lu attached, mine %d, last mine %d, attached %d, detached %d\n",
           what, about.shm_segsz, about.shm_perm.mode, (unsigned long)about.shm_nattch,
           about.shm_cpid == getpid(), about.shm_lpid == getpid(), about.shm_atime != 0,
           about.shm_dtime != 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    key_t key = 0x4d4f5300 + (getpid() & 0xff);
    int none = shmget(key, BYTES, 0600);
    printf("no such: %s\n", said(none));
    none = shmget(key, 0, IPC_CREAT | 0600);
    printf("of no size: %s\n", said(none));
    int id = shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0640);
    printf("made: %s\n", said(id));
    printf("found: %d, without a size: %d\n", shmget(key, BYTES, 0600) == id, shmget(key, 0, 0) == id);
    none = shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0600);
    printf("exclusively: %s\n", said(none));
    none = shmget(key, BYTES + 1, 0600);
    printf("larger: %s\n", said(none));
    show("new", id);

    char *first = shmat(id, NULL, 0), *second = shmat(id, NULL, SHM_RDONLY);
    printf("attached twice: %d\n", first != (void *)-1 && second != (void *)-1 && first != second);
    strcpy(first + 5000, "through the other");
    printf("seen %s, zero elsewhere %d\n", second + 5000, second[0] == 0 && second[BYTES] == 0);
    show("attached", id);
    pid_t child = fork();
    if (child == 0) {
        strcpy(first, "by a child");
        char *own = shmat(shmget(key, 0, 0), NULL, 0);
        strcpy(own + 100, "by its own");
        printf("taken over: %d\n", shmdt(second));
        second[0] = 1;
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    printf("what is detached is gone: signal %d\n", WTERMSIG(status));
    printf("seen: %s, %s\n", second, second + 100);
    child = fork();
    if (child == 0) {
        second[0] = 1;
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("to be read only: signal %d\n", WTERMSIG(status));

    char *place = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long refused = (long)shmat(id, place, 0);
    printf("where something is: %s\n", said(refused));
    refused = (long)shmat(id, place + 1, 0);
    printf("at an odd place: %s\n", said(refused));
    char *there = shmat(id, place + 4097, SHM_RND | SHM_REMAP);
    printf("in its place: %d, %s\n", there == place + 4096, there);
    munmap(there, 4096);
    printf("a part is left: %s\n", there + 5000);
    printf("detached: %d, again: ", shmdt(there));
    refused = shmdt(there);
    printf("%s\n", said(refused));
    refused = shmdt(place);
    printf("what is no segment: %s\n", said(refused));
    void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    refused = shmdt(shared);
    printf("nor is shared memory: %s\n", said(refused));

    struct shmid_ds about;
    shmctl(id, IPC_STAT, &about);
    about.shm_perm.mode = 0604;
    about.shm_perm.uid = 1000;
    printf("set: %d\n", shmctl(id, IPC_SET, &about));
    show("changed", id);
    child = fork();
    if (child == 0) {
        if (setgid(2000) || setuid(2000)) _exit(1);
        refused = shmget(key, BYTES, 0600);
        printf("a stranger asks to write: %s\n", said(refused));
        refused = (long)shmat(id, NULL, 0);
        printf("to write: %s\n", said(refused));
        refused = (long)shmat(id, NULL, SHM_RDONLY);
        printf("to read: %s\n", said(refused));
        refused = shmctl(id, IPC_RMID, NULL);
        printf("to remove: %s\n", said(refused));
        refused = shmctl(id, IPC_SET, &about);
        printf("to change: %s\n", said(refused));
        _exit(0);
    }
    waitpid(child, &status, 0);

    printf("removed: %d\n", shmctl(id, IPC_RMID, NULL));
    show("removed", id);
    none = shmget(key, BYTES, 0600);
    printf("by its key: %s\n", said(none));
    char *late = shmat(id, NULL, 0);
    printf("by its number still: %s\n", late == (void *)-1 ? strerror(errno) : late);
    shmdt(late);
    shmdt(first);
    show("one is left", id);
    printf("still there: %s\n", second);
    shmdt(second);
    show("none is left", id);
    refused = shmctl(id, IPC_RMID, NULL);
    printf("removed again: %s\n", said(refused));
    refused = shmctl(-1, IPC_STAT, &about);
    printf("bad number: %s\n", said(refused));

    // What nobody has removed outlives its maker; it is gone only when it is removed.
    child = fork();
    if (child == 0) {
        int left = shmget(key, 4096, IPC_CREAT | 0600);
        strcpy(shmat(left, NULL, 0), "left behind");
        _exit(0);
    }
    waitpid(child, &status, 0);
    int left = shmget(key, 0, 0);
    char *text = shmat(left, NULL, 0);
    printf("%s\n", text);
    printf("removed: %d\n", shmctl(left, IPC_RMID, NULL));
    return 0;
}
