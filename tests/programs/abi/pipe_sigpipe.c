/* Writing to a pipe that nobody reads ends a program by SIGPIPE. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    int p[2];
    pipe(p);
    close(p[0]);
    printf("before\n");
    fflush(stdout);
    write(p[1], "x", 1);
    printf("after\n");
    return 0;
}
