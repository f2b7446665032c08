// proves: openat's flags, O_PATH, O_TMPFILE, descriptors of directories, fallocate and holes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SAY(call) do { errno = 0; long r = (call); printf("%s: %s\n", #call, r < 0 ? strerror(errno) : "ok"); } while (0)

static void show(int fd) {
    struct stat s;
    if (fstat(fd, &s) < 0) { printf("fstat: %s\n", strerror(errno)); return; }
    printf("mode %o links %d size %lld blocks %lld\n", s.st_mode, (int)s.st_nlink,
           (long long)s.st_size, (long long)s.st_blocks);
}

int main(void) {
    char dir[] = "/tmp/abiXXXXXX", buffer[64];
    umask(022);
    if (!mkdtemp(dir) || chdir(dir) < 0) { perror("setup"); return 1; }
    int d = open(".", O_RDONLY | O_DIRECTORY);
    int f = openat(d, "f", O_CREAT | O_RDWR, 0666);
    printf("write %d\n", (int)write(f, "hello, world", 12));
    SAY(openat(f, "x", O_RDONLY));
    SAY(openat(77, "x", O_RDONLY));
    SAY(close(openat(77, "/tmp", O_RDONLY)));
    int a = open("f", O_WRONLY | O_APPEND);
    printf("append %d at %d\n", (int)write(a, "!!", 2), (int)lseek(a, 0, SEEK_CUR));
    printf("pread %d '%.5s'\n", (int)pread(f, buffer, 5, 7), buffer);
    SAY(read(a, buffer, 1));
    SAY(ftruncate(a, 5));
    SAY(close(open("f", O_RDONLY)));
    show(f);
    int t = open("f", O_WRONLY | O_TRUNC);
    show(t);
    int p = open("f", O_PATH);
    SAY(read(p, buffer, 1));
    SAY(write(p, buffer, 1));
    SAY(fchmod(p, 0600));
    SAY(ftruncate(p, 0));
    SAY(lseek(p, 0, SEEK_SET));
    SAY(fstat(p, &(struct stat){0}));
    printf("flags %o %o\n", fcntl(p, F_GETFL) & ~O_LARGEFILE, fcntl(a, F_GETFL) & ~O_LARGEFILE);
    SAY(symlink("f", "s"));
    int sl = open("s", O_PATH | O_NOFOLLOW);
    show(sl);
    printf("readlinkat %d\n", (int)readlinkat(sl, "", buffer, sizeof buffer));
    int pd = open(".", O_PATH);
    SAY(close(openat(pd, "f", O_RDONLY)));
    SAY(fchdir(pd));
    SAY(fchdir(f));
    SAY(syscall(SYS_getdents64, pd, buffer, sizeof buffer));
    SAY(syscall(SYS_getdents64, f, buffer, sizeof buffer));
    SAY(syscall(SYS_getdents64, d, buffer, 8));
    SAY(read(d, buffer, 8));
    int n = open(".", O_TMPFILE | O_RDWR, 0644);
    SAY(write(n, "unnamed", 7));
    show(n);
    SAY(linkat(n, "", AT_FDCWD, "named", AT_EMPTY_PATH));
    show(n);
    int x = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    SAY(linkat(x, "", AT_FDCWD, "never", AT_EMPTY_PATH));
    SAY(open(".", O_TMPFILE | O_RDONLY, 0600));
    SAY(open("f", O_TMPFILE | O_RDWR, 0600));
    SAY(fallocate(f, 0, 0, 8192));
    show(f);
    SAY(fallocate(f, FALLOC_FL_KEEP_SIZE, 8192, 8192));
    show(f);
    memset(buffer, 'x', sizeof buffer);
    SAY(pwrite(f, buffer, sizeof buffer, 4090));
    SAY(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    show(f);
    printf("pread %d", (int)pread(f, buffer, 8, 4092));
    for (int i = 0; i < 8; i++) printf(" %d", buffer[i]);
    puts("");
    SAY(fallocate(f, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    SAY(fallocate(f, 0, -1, 4096));
    SAY(fallocate(f, 0, 0, 0));
    SAY(fallocate(d, 0, 0, 1));
    SAY(fsync(f));
    SAY(fdatasync(d));
    SAY(fsync(99));
    // musl's header may lack it: mask, size of a block, attributes, links, ids, mode, inode, size.
    struct { unsigned mask, block; unsigned long long attributes; unsigned links, uid, gid;
             unsigned short mode, pad; unsigned long long inode, size, more[32]; } sx;
    SAY(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &sx));
    printf("statx %x %o %u %llu\n", sx.mask & 0x7ff, sx.mode, sx.links, sx.size);
    SAY(syscall(SYS_statx, f, "", AT_EMPTY_PATH, 0x7ff, &sx));
    SAY(syscall(SYS_statx, f, "", 0, 0x7ff, &sx));
    SAY(syscall(SYS_statx, AT_FDCWD, "none", 0, 0x7ff, &sx));
    SAY(syscall(SYS_statx, AT_FDCWD, "f", 0x8000, 0x7ff, &sx));
    struct statfs sf;
    SAY(fstatfs(f, &sf));
    printf("name max %ld block %ld\n", (long)sf.f_namelen, (long)sf.f_bsize);
    SAY(getxattr("none", "user.x", buffer, 1));
    SAY(unlink("f"));
    show(f);
    unlink("s"); unlink("named");
    SAY(rmdir(dir));
    return 0;
}
