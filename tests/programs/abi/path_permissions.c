// proves: permissions, ownership, set-gid and sticky directories, umask, times (needs root).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define SAY(call) do { errno = 0; long r = (call); printf("%s: %s\n", #call, r < 0 ? strerror(errno) : "ok"); } while (0)

static void show(const char *path) {
    struct stat s;
    if (lstat(path, &s) < 0) { printf("%s: %s\n", path, strerror(errno)); return; }
    printf("%s: %o %d:%d size %lld\n", path, s.st_mode, s.st_uid, s.st_gid,
           S_ISREG(s.st_mode) ? (long long)s.st_size : 0LL);
}

static int make(const char *path, int mode) {
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, mode);
    if (fd >= 0) close(fd);
    return fd < 0 ? -1 : 0;
}

int main(void) {
    char dir[] = "/tmp/abiXXXXXX";
    if (geteuid() != 0) { puts("needs root"); return 0; }
    if (!mkdtemp(dir) || chdir(dir) < 0) { perror("setup"); return 1; }
    printf("umask %o\n", umask(027));
    printf("umask %o\n", umask(01777));
    printf("umask %o\n", umask(027));
    SAY(make("f", 0666));
    show("f");
    SAY(mkdir("d", 0777));
    show("d");
    SAY(chmod("f", 06755));
    show("f");
    SAY(chown("f", 1000, -1));
    show("f");
    SAY(chmod("f", 06755));
    SAY(chown("f", -1, 50));
    show("f");
    SAY(symlink("f", "s"));
    SAY(lchown("s", 5, 6));
    show("s");
    SAY(fchmodat(AT_FDCWD, "s", 0600, 0));
    show("f");
    SAY(chown("d", 0, 77));
    SAY(chmod("d", 02775));
    SAY(make("d/inherits", 0640));
    show("d/inherits");
    SAY(mkdir("d/sub", 0700));
    show("d/sub");
    umask(0);
    SAY(mkdir("sticky", 01777));
    SAY(make("sticky/roots", 0666));
    SAY(make("sticky/users", 0666));
    SAY(chown("sticky/users", 1000, 1000));
    SAY(make("secret", 0600));
    SAY(mkdir("closed", 0700));
    SAY(make("closed/x", 0666));
    SAY(chmod(dir, 0755));
    struct timeval old[2] = {{1000, 5}, {2000, 7}};
    SAY(utimes("f", old));
    struct stat s;
    stat("f", &s);
    printf("times %ld.%09ld %ld.%09ld\n", s.st_atim.tv_sec, s.st_atim.tv_nsec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    struct timespec some[2] = {{0, UTIME_OMIT}, {3000, 9}};
    SAY(utimensat(AT_FDCWD, "f", some, 0));
    stat("f", &s);
    printf("times %ld %ld.%09ld\n", s.st_atim.tv_sec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    struct timespec bad[2] = {{0, 2000000000}, {0, 0}};
    SAY(utimensat(AT_FDCWD, "f", bad, 0));
    SAY(truncate("f", 5000));
    show("f");
    SAY(truncate("f", -1));
    SAY(truncate("d", 0));
    SAY(setresgid(1000, 1000, 1000));
    SAY(setresuid(1000, 1000, 0));
    SAY(open("secret", O_RDONLY));
    SAY(access("secret", R_OK));
    SAY(open("closed/x", O_RDONLY));
    SAY(access("closed/x", F_OK));
    SAY(make("nope", 0666));
    SAY(unlink("secret"));
    SAY(unlink("sticky/roots"));
    SAY(rename("sticky/roots", "sticky/mine"));
    SAY(unlink("sticky/users"));
    SAY(make("sticky/own", 0600));
    SAY(unlink("sticky/own"));
    SAY(chmod("secret", 0666));
    SAY(chown("secret", 1000, 1000));
    SAY(chmod("f", 02755));
    show("f");
    SAY(chown("f", 1000, 1000));
    SAY(chown("f", 0, -1));
    SAY(utimes("f", NULL));
    SAY(utimes("secret", NULL));
    SAY(utimes("sticky/roots", NULL));
    SAY(utimes("sticky/roots", old));
    SAY(truncate("secret", 0));
    SAY(open("sticky/roots", O_RDONLY | O_NOATIME));
    SAY(chroot("."));
    SAY(mknod("sticky/dev", S_IFCHR | 0666, 0x103));
    SAY(mknod("sticky/fifo", S_IFIFO | 0666, 0));
    SAY(setresuid(0, 0, 0));
    SAY(chroot("closed"));
    SAY(access("/x", F_OK));
    SAY(access("/../x", F_OK));
    return 0;
}
