// A file is written, read back by parts, positioned, shortened by opening, and missing files are missed.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

int main(void)
{
    char buffer[32] = "";
    say("open missing", open("missing", O_RDONLY));
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
    say("create", fd);
    say("create again", open("file", O_RDWR | O_CREAT | O_EXCL, 0644));
    say("write", write(fd, "hello, world\n", 13));
    say("seek", lseek(fd, 7, SEEK_SET));
    say("read", read(fd, buffer, 5));
    printf("read \"%s\"\n", buffer);
    say("seek before the start", lseek(fd, -1, SEEK_SET));
    say("seek past the end", lseek(fd, 100, SEEK_END));
    say("read past the end", read(fd, buffer, 5));
    struct stat meta;
    say("fstat", fstat(fd, &meta));
    printf("size %ld mode %o\n", (long)meta.st_size, meta.st_mode);
    say("close", close(fd));
    say("close again", close(fd));
    say("open to shorten", fd = open("file", O_WRONLY | O_TRUNC));
    say("read what is open to be written", read(fd, buffer, 1));
    say("fstat", fstat(fd, &meta));
    printf("size %ld\n", (long)meta.st_size);
    return 0;
}
