// glibc's start, its formatted output and its heap work, small and large.
// build: glibc
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    printf("%s %5.2f %x\n", "formatted", 3.14159, 48879);
    char *large = malloc(8 << 20), *small = malloc(24);
    memset(large, 7, 8 << 20);
    strcpy(small, "small");
    large = realloc(large, 16 << 20);
    printf("%d %s %d\n", large[(8 << 20) - 1], small, getenv("PATH") != NULL);
    free(large);
    free(small);
    return 0;
}
