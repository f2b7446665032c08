// proves: making, naming, renaming and removing files answers as Linux does, errno by errno.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif
#define SAY(call) do { errno = 0; long r = (call); printf("%s: %s\n", #call, r < 0 ? strerror(errno) : "ok"); } while (0)

static int touch(const char *path) {
    int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0666);
    if (fd >= 0) close(fd);
    return fd < 0 ? -1 : 0;
}

static int links(const char *path) {
    struct stat s;
    return lstat(path, &s) < 0 ? -1 : (int)s.st_nlink;
}

static int rename2(const char *from, const char *to, int flags) {
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

int main(void) {
    char dir[] = "/tmp/abiXXXXXX";
    if (!mkdtemp(dir) || chdir(dir) < 0) { perror("setup"); return 1; }
    SAY(mkdir("d", 0755));
    SAY(mkdir("d", 0755));
    SAY(mkdir("d/", 0755));
    SAY(mkdir("new/", 0755));
    SAY(mkdir("no/such", 0755));
    SAY(mkdir(".", 0755));
    SAY(mkdir("d/..", 0755));
    SAY(mkdir("", 0755));
    SAY(touch("f"));
    SAY(touch("f"));
    SAY(mkdir("f/x", 0755));
    SAY(mkdir("f", 0755));
    SAY(touch("x/"));
    SAY(open("d", O_CREAT | O_WRONLY, 0666));
    SAY(open("d", O_RDWR));
    SAY(close(open("d", O_RDONLY | O_DIRECTORY)));
    SAY(open("f", O_RDONLY | O_DIRECTORY));
    SAY(open("f/", O_RDONLY));
    SAY(symlink("f", "s"));
    SAY(symlink("f", "s"));
    SAY(symlink("", "empty"));
    SAY(symlink("nowhere", "dangling"));
    SAY(symlink("loop", "loop"));
    SAY(open("loop", O_RDONLY));
    SAY(open("s", O_RDONLY | O_NOFOLLOW));
    SAY(open("dangling", O_RDONLY));
    SAY(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0666));
    SAY(close(open("dangling", O_CREAT | O_WRONLY, 0666)));
    SAY(access("nowhere", F_OK));
    SAY(link("f", "hard"));
    SAY(link("f", "hard"));
    SAY(link("d", "dirlink"));
    SAY(link("f", "slash/"));
    SAY(link("none", "x"));
    SAY(link("s", "linked-link"));
    printf("links: f %d d %d linked-link %d\n", links("f"), links("d"), links("linked-link"));
    SAY(unlink("d"));
    SAY(unlink("d/"));
    SAY(unlink("f/"));
    SAY(unlink("."));
    SAY(unlink("/"));
    SAY(rmdir("f"));
    SAY(rmdir("."));
    SAY(rmdir("d/.."));
    SAY(rmdir("d/."));
    SAY(rmdir("/"));
    SAY(mkdir("d/sub", 0700));
    SAY(rmdir("d"));
    SAY(rename("d", "d/sub/x"));
    SAY(rename("d", "d/sub"));
    SAY(rename("f", "d"));
    SAY(rename("d", "f"));
    SAY(rename("f", "hard"));
    printf("still there: %d %d\n", access("f", F_OK), access("hard", F_OK));
    SAY(rename("none", "y"));
    SAY(rename("f", "g/"));
    SAY(rename("d/sub", "moved/"));
    SAY(rename("new", "moved"));
    SAY(rename("moved", "."));
    SAY(rename("d/..", "z"));
    SAY(rename(".", "z"));
    SAY(rename2("f", "hard", RENAME_NOREPLACE));
    SAY(rename2("f", "f2", RENAME_NOREPLACE));
    SAY(rename2("f2", "d", RENAME_EXCHANGE));
    SAY(rename2("f2", "missing", RENAME_EXCHANGE));
    SAY(rename2("f2", "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SAY(rename2("f2", "d", 64));
    struct stat s;
    printf("exchanged: %d\n", stat("f2", &s) == 0 && S_ISDIR(s.st_mode));
    SAY(mknod("pipe", S_IFIFO | 0600, 0));
    SAY(mknod("plain", 0644, 0));
    SAY(mknod("odd", S_IFDIR | 0600, 0));
    SAY(stat("plain", &s));
    printf("plain: %o\n", s.st_mode);
    SAY(unlinkat(AT_FDCWD, "moved", AT_REMOVEDIR));
    SAY(unlinkat(AT_FDCWD, "pipe", AT_REMOVEDIR));
    SAY(unlinkat(AT_FDCWD, "pipe", 0));
    SAY(unlinkat(AT_FDCWD, "plain", 0x4000));
    SAY(unlinkat(99, "plain", 0));
    char longer[300];
    memset(longer, 'n', 299); longer[299] = 0;
    SAY(mkdir(longer, 0755));
    longer[255] = 0;
    SAY(mkdir(longer, 0755));
    SAY(rmdir(longer));
    const char *left[] = {"d", "f2", "hard", "s", "dangling", "nowhere", "loop", "linked-link", "plain"};
    for (unsigned i = 0; i < sizeof left / sizeof *left; i++)
        if (remove(left[i]) < 0) printf("left: %s\n", left[i]);
    SAY(rmdir(dir));
    char path[100];
    SAY(getcwd(path, sizeof path) ? 0 : -1);
    SAY(touch("in-removed"));
    return 0;
}
