/* Devices without an end always stand at their start. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"};
    for (int i = 0; i < 5; i++) {
        int fd = open(names[i], O_RDONLY);
        char bytes[8];
        printf("%s %ld ", names[i], (long)lseek(fd, 100, SEEK_SET));
        printf("%ld ", (long)read(fd, bytes, sizeof bytes));
        printf("%ld ", (long)lseek(fd, 0, SEEK_CUR));
        printf("%ld %ld\n", (long)lseek(fd, 0, SEEK_END), (long)pread(fd, bytes, sizeof bytes, 50));
    }
    return 0;
}
