// proves: /proc shows a file that was removed while it was open under the path that it had.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[1024];

/* A link's text, with a word for the folder that this began in. */
static void shown(const char *what, const char *link) {
    char text[4096];
    long n = readlink(link, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    size_t length = strlen(top);
    int is_below = !strncmp(text, top, length);
    printf("%s: %s%s\n", what, is_below ? "HERE" : "", is_below ? text + length : text);
}

static void shown_fd(const char *what, int fd) {
    char link[64];
    sprintf(link, "/proc/self/fd/%d", fd);
    shown(what, link);
}

int main(void) {
    char text[65536];
    getcwd(top, sizeof top);
    mkdir("outer", 0755);
    mkdir("outer/inner", 0755);
    int file = open("outer/inner/file", O_CREAT | O_RDWR, 0644);
    shown_fd("open", file);
    ftruncate(file, 4096);
    mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    unlink("outer/inner/file");
    shown_fd("removed", file);
    int again = open("outer/inner/file", O_CREAT | O_RDWR, 0644);
    shown_fd("another", again);
    shown_fd("the first still", file);
    int maps = open("/proc/self/maps", O_RDONLY);
    size_t at = 0;
    long got;
    while ((got = read(maps, text + at, sizeof text - 1 - at)) > 0) at += got;
    text[at] = 0;
    printf("mapped: %d\n", strstr(text, "/outer/inner/file (deleted)\n") != NULL);
    int other = open("outer/other", O_CREAT | O_RDWR, 0644);
    rename("outer/other", "outer/inner/file");
    shown_fd("replaced", again);
    shown_fd("renamed", other);
    chdir("outer/inner");
    unlink("file");
    rmdir("../inner");
    shown("folder", "/proc/self/cwd");
    int folder = open("../../outer", O_RDONLY | O_DIRECTORY);
    printf("from there: %d\n", folder >= 0);
    rmdir("../../outer");
    shown("folder of a folder", "/proc/self/cwd");
    shown_fd("file of both", other);
    printf("no path: %d\n", getcwd(text, sizeof text) == NULL);
    return 0;
}
