/* readv, preadv, pwritev, preadv2, copy_file_range, sendfile on regular files. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

int main(void) {
    char a[8] = "", b[32] = "";
    int p[2];
    int f = open("/tmp/file_vectors", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (f < 0)
        f = open("/file_vectors", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int g = open("/dev/null", O_RDWR);
    struct iovec w[3] = {{"one", 3}, {"", 0}, {"twenty", 6}};
    struct iovec r[2] = {{a, 4}, {b, 32}};
    show("writev", writev(f, w, 3));
    show("lseek", lseek(f, 0, SEEK_CUR));
    show("pwritev", pwritev(f, w, 3, 100));
    show("lseek end", lseek(f, 0, SEEK_END));
    show("preadv", preadv(f, r, 2, 0));
    printf("%.4s|%.5s\n", a, b);
    show("preadv beyond", preadv(f, r, 2, 1000));
    show("preadv negative", preadv(f, r, 2, -1));
    show("pread negative", pread(f, a, 1, -5));
    lseek(f, 100, SEEK_SET);
    show("preadv2 -1", syscall(SYS_preadv2, f, r, 2, -1L, 0L, 0));
    printf("%.4s|%.5s\n", a, b);
    show("lseek", lseek(f, 0, SEEK_CUR));
    off_t from = 0, to = 200;
    show("copy_file_range", copy_file_range(f, &from, f, &to, 9, 0));
    printf("from %ld to %ld\n", (long)from, (long)to);
    from = 0, to = 4;
    show("copy onto itself", copy_file_range(f, &from, f, &to, 9, 0));
    show("copy flags", copy_file_range(f, &from, f, &to, 9, 1));
    pipe(p);
    show("copy to a pipe", copy_file_range(f, &from, p[1], NULL, 9, 0));
    from = 200;
    show("sendfile to a pipe", sendfile(p[1], f, &from, 100));
    printf("from %ld\n", (long)from);
    show("read", read(p[0], b, 32));
    printf("%.9s\n", b);
    lseek(f, 0, SEEK_SET);
    show("sendfile to null", sendfile(g, f, NULL, 5));
    show("lseek", lseek(f, 0, SEEK_CUR));
    show("sendfile from a pipe", sendfile(g, p[0], NULL, 5));
    show("sendfile at an offset of a pipe", sendfile(g, p[0], &from, 5));
    show("sendfile bad", sendfile(99, f, NULL, 5));
    int o = open("/dev/null", O_WRONLY | O_APPEND);
    show("sendfile to append", sendfile(o, f, NULL, 5));
    return 0;
}
