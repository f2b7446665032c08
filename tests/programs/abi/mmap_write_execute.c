/* Code that is written, then made executable: what just-in-time compilers do under W^X. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void) {
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    unsigned char *p =
        mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 3; round++) {
        memcpy(p + 100, code, sizeof code);
        p[101] = 42 + round;
        if (mprotect(p, 4096, PROT_READ | PROT_EXEC))
            return 1;
        printf("%d\n", ((int (*)(void))(p + 100))());
        if (mprotect(p, 4096, PROT_READ | PROT_WRITE))
            return 2;
    }
    return 0;
}
