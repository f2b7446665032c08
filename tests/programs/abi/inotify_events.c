// Proves inotify(7): which events each call brings, in which order, with which names; how watches
// are changed and removed; what an unlinked file still tells; that events wake who waits.
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int fd;

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static const char *const names[] = {"ACCESS", "MODIFY",     "ATTRIB",   "CLOSE_WRITE", "CLOSE_NOWRITE",
                                    "OPEN",   "MOVED_FROM", "MOVED_TO", "CREATE",      "DELETE",
                                    "DELETE_SELF", "MOVE_SELF", "?", "UNMOUNT", "OVERFLOW", "IGNORED"};

// All that has happened since the last time.
static void events(const char *what) {
    char buffer[8192] __attribute__((aligned(8)));
    static unsigned last_cookie;
    printf("%s:\n", what);
    long count;
    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        for (char *at = buffer; at < buffer + count;) {
            struct inotify_event *event = (struct inotify_event *)at;
            printf("   %d", event->wd);
            for (int bit = 0; bit < 16; bit++)
                if (event->mask >> bit & 1)
                    printf(" %s", names[bit]);
            if (event->mask & IN_ISDIR)
                printf(" directory");
            if (event->cookie)
                printf(" %s", event->cookie == last_cookie ? "same cookie" : "cookie");
            last_cookie = event->cookie;
            if (event->len)
                printf(" %s (%u)", event->name, event->len);
            printf("\n");
            at += sizeof *event + event->len;
        }
}

static void *create_later(void *unused) {
    usleep(30000);
    close(open("d/later", O_CREAT | O_WRONLY, 0600));
    return unused;
}

int main(void) {
    show("unknown flags", inotify_init1(1));
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    mkdir("d", 0755);
    mkdir("e", 0755);
    show("no events", inotify_add_watch(fd, "d", 0));
    show("unknown events", inotify_add_watch(fd, "d", IN_CREATE | 0x00800000));
    show("both ways", inotify_add_watch(fd, "d", IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE));
    show("nothing there", inotify_add_watch(fd, "none", IN_CREATE));
    show("no inotify", inotify_add_watch(0, "d", IN_CREATE));
    show("no descriptor", inotify_add_watch(77, "d", IN_CREATE));
    show("watch d", inotify_add_watch(fd, "d", IN_ALL_EVENTS));
    show("watch e", inotify_add_watch(fd, "e", IN_ALL_EVENTS));
    char small[16];
    show("nothing to read", read(fd, small, sizeof small));

    int file = open("d/file", O_CREAT | O_RDWR, 0644);
    events("create");
    show("too small for the next", (mkdir("d/sub", 0755), read(fd, small, sizeof small)));
    int waiting = -1;
    ioctl(fd, FIONREAD, &waiting);
    show("waiting", waiting);
    events("mkdir");
    write(file, "hello", 5);
    write(file, "again", 5);
    events("written twice");
    char byte;
    pread(file, &byte, 1, 0);
    pread(file, &byte, 1, 1000);
    events("read");
    ftruncate(file, 2);
    fallocate(file, 0, 0, 100);
    fchmod(file, 0600);
    fchown(file, (uid_t)-1, getgid());
    struct timespec one[2] = {{1, 0}, {0, UTIME_OMIT}}, both[2] = {{1, 0}, {2, 0}};
    futimens(file, one);
    futimens(file, both);
    events("changed");
    close(file);
    events("closed");
    link("d/file", "e/link");
    symlink("file", "d/symlink");
    mkfifo("d/fifo", 0600);
    events("linked");
    rename("d/file", "d/renamed");
    events("renamed");
    rename("d/renamed", "e/moved");
    events("moved");
    show("watch a file", inotify_add_watch(fd, "e/moved", IN_ALL_EVENTS));
    int again = inotify_add_watch(fd, "e/link", IN_ALL_EVENTS);
    show("by its other name", again);
    close(open("e/moved", O_RDONLY));
    events("opened");
    close(open("d/target", O_CREAT | O_WRONLY, 0600));
    show("watch the target", inotify_add_watch(fd, "d/target", IN_DELETE_SELF | IN_ATTRIB | IN_MOVE_SELF));
    events("made a target");
    rename("e/moved", "d/target");
    events("moved over");
    unlink("e/link");
    events("one name less");
    file = open("d/target", O_RDONLY);
    unlink("d/target");
    events("unlinked while open");
    read(file, &byte, 1);
    close(file);
    events("closed");
    rename("d/sub", "e/sub");
    events("directory moved");
    show("watch it", inotify_add_watch(fd, "e/sub", IN_ALL_EVENTS | IN_ONLYDIR));
    rename("e/sub", "e/other");
    events("moved again");
    close(open("e/other", O_RDONLY | O_DIRECTORY));
    rmdir("e/other");
    events("removed");
    show("only a directory", inotify_add_watch(fd, "d/fifo", IN_OPEN | IN_ONLYDIR));
    show("the link itself", inotify_add_watch(fd, "d/symlink", IN_ALL_EVENTS | IN_DONT_FOLLOW));
    unlink("d/symlink");
    events("link removed");

    // Watches that change.
    show("only creations", inotify_add_watch(fd, "d", IN_CREATE));
    close(open("d/x", O_CREAT | O_WRONLY, 0600));
    unlink("d/x");
    events("created and removed");
    show("removals, too", inotify_add_watch(fd, "d", IN_DELETE | IN_MASK_ADD));
    close(open("d/x", O_CREAT | O_WRONLY, 0600));
    unlink("d/x");
    events("created and removed");
    show("not again", inotify_add_watch(fd, "d", IN_CREATE | IN_MASK_CREATE));
    show("once", inotify_add_watch(fd, "e", IN_CREATE | IN_ONESHOT));
    close(open("e/1", O_CREAT | O_WRONLY, 0600));
    close(open("e/2", O_CREAT | O_WRONLY, 0600));
    events("two made");
    show("gone already", inotify_rm_watch(fd, 2));
    show("remove", inotify_rm_watch(fd, 1));
    show("remove again", inotify_rm_watch(fd, 1));
    events("removed");
    show("watch d anew", inotify_add_watch(fd, "d", IN_CREATE | IN_EXCL_UNLINK | IN_CLOSE));
    file = open("d/y", O_CREAT | O_WRONLY, 0600);
    unlink("d/y");
    close(file);
    events("nothing of what is unlinked");

    // Who waits.
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    show("poll", poll(&p, 1, 0));
    pthread_t thread;
    pthread_create(&thread, NULL, create_later, NULL);
    show("poll waits", poll(&p, 1, 5000));
    printf("revents %x\n", p.revents);
    pthread_join(thread, NULL);
    events("created");
    fcntl(fd, F_SETFL, 0);
    unlink("d/later");
    pthread_create(&thread, NULL, create_later, NULL);
    char buffer[512];
    show("read waits", read(fd, buffer, sizeof buffer) >= 16);
    pthread_join(thread, NULL);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    // It may have been closed after that.
    read(fd, buffer, sizeof buffer);

    // Too much: the queue ends with a word about it.
    long limit = 16384;
    FILE *setting = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    if (setting) {
        fscanf(setting, "%ld", &limit);
        fclose(setting);
    }
    for (long i = 0; i < limit + 10; i++) {
        close(open("d/z", O_CREAT | O_WRONLY, 0600));
        unlink("d/z");
    }
    long seen = 0, overflows = 0;
    char many[65536];
    for (long count; (count = read(fd, many, sizeof many)) > 0;)
        for (long at = 0; at < count; seen++) {
            struct inotify_event *event = (struct inotify_event *)(many + at);
            overflows += event->wd == -1 && event->mask == IN_Q_OVERFLOW;
            at += (long)(sizeof *event + event->len);
        }
    printf("all but one %d, overflows %ld\n", seen == limit + 1 || seen == limit, overflows);
    int before = fd;
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", before);
    long length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = 0;
    printf("%s\n", link);
    return 0;
}
