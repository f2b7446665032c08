// A program that runs is not written, and one that is open for writing is not executed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(const char *from, const char *to) {
    char buffer[4096];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (long count; (count = read(in, buffer, sizeof buffer)) > 0;) write(out, buffer, count);
    close(in);
    close(out);
}

static void run(const char *what, const char *path) {
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "child", NULL);
        _exit(errno);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%s: %s\n", what, WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "runs");
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "child")) return 0;
    if (count == 2 && !strcmp(words[1], "stay")) { write(1, "", 1); pause(); }
    setvbuf(stdout, NULL, _IONBF, 0);
    copy(words[0], "program");
    run("a copy", "./program");
    int writes = open("program", O_WRONLY), same = dup(writes), reads = open("program", O_RDONLY);
    run("open for writing", "./program");
    close(writes);
    run("still", "./program");
    close(same);
    run("not any more", "./program");
    close(reads);

    int ends[2];
    pipe(ends);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execl("./program", "program", "stay", NULL);
        _exit(1);
    }
    char byte;
    read(ends[0], &byte, 1);
    int refused = open("program", O_WRONLY);
    printf("to write: %d %s\n", refused, strerror(errno));
    refused = truncate("program", 0);
    printf("to cut: %d %s\n", refused, strerror(errno));
    printf("to read: %d\n", open("program", O_RDONLY) >= 0);
    kill(child, 9);
    waitpid(child, NULL, 0);
    int again = open("program", O_WRONLY);
    printf("afterwards: %d\n", again >= 0);
    close(again);
    int script = open("script", O_WRONLY | O_CREAT, 0755);
    write(script, "#!./program child\n", 18);
    run("a script that is being written", "./script");
    close(script);
    return 0;
}
