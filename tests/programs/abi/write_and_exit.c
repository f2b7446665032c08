// Output in order from both streams, and an exit status of its own.
// args: one two three
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    fflush(stdout);
    fprintf(stderr, "to standard error\n");
    write(1, "straight to 1\n", 14);
    return 42;
}
