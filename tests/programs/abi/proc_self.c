// proves: /proc tells a program about itself what the calls tell it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[65536];

static const char *slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) { printf("%s: %s\n", path, strerror(errno)); return ""; }
    size_t at = 0;
    long got;
    while (at < sizeof text - 1 && (got = read(fd, text + at, 97)) > 0) at += got;
    text[at] = 0;
    close(fd);
    return text;
}

static long field(const char *path, const char *name) {
    const char *at = strstr(slurp(path), name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

int main(int argc, char **argv) {
    char link[4096], path[64], name[64];
    long n = readlink("/proc/self", link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    printf("self is me: %d\n", atoi(link) == getpid());
    n = readlink("/proc/self/exe", link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    printf("exe names me: %d\n", strcmp(strrchr(link, '/') ? strrchr(link, '/') + 1 : "", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]) == 0);
    chdir("/proc");
    n = readlink("self/cwd", link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    printf("cwd %s\n", link);
    n = readlink("self/root", link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    printf("root %s\n", link);
    printf("Pid %d PPid %d Threads %ld\n", field("self/status", "\nPid:\t") == getpid(), field("self/status", "PPid:\t") == getppid(), field("self/status", "Threads:\t"));
    printf("Uid %d VmRSS %d\n", field("self/status", "Uid:\t") == getuid(), field("self/status", "VmRSS:\t") > 0);
    slurp("self/stat");
    int pid = 0, parent = 0; char state = 0;
    sscanf(text, "%d (%63[^)]) %c %d", &pid, name, &state, &parent);
    printf("stat %d %c %d\n", pid == getpid(), state, parent == getppid());
    int fields = 1;
    for (char *at = text; *at; at++) fields += *at == ' ';
    printf("fields %d\n", fields);
    slurp("self/cmdline");
    printf("cmdline %d\n", strcmp(text, argv[0]) == 0);
    int before = 0;
    DIR *d = opendir("/proc/self/fd");
    struct dirent *entry;
    while ((entry = readdir(d))) before += entry->d_name[0] != '.';
    closedir(d);
    int fd = open("/proc/self/fd", O_RDONLY);
    int file = open("/proc/version", O_RDONLY);
    sprintf(path, "/proc/self/fd/%d", file);
    n = readlink(path, link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    printf("fds %d, %s\n", before >= 4, link);
    int again = open(path, O_RDONLY);
    printf("opened again %d, same %d\n", again >= 0, read(again, link, 6) == 6 && !memcmp(link, "Linux ", 6));
    sprintf(path, "/proc/self/fdinfo/%d", again);
    printf("pos %ld\n", field(path, "pos:\t"));
    sprintf(path, "/proc/%d/task/%d/comm", getpid(), getpid());
    slurp(path);
    printf("comm ends with a line: %d\n", strlen(text) > 1 && text[strlen(text) - 1] == '\n');
    errno = 0;
    printf("none: %d", open("/proc/999999/stat", O_RDONLY));
    printf(" %s\nmake: %d", strerror(errno), mkdir("/proc/x", 0755));
    printf(" %s\nexclusive: %d", strerror(errno), open("/proc/self/stat", O_CREAT | O_EXCL | O_WRONLY, 0644));
    printf(" %s\nnot a directory: %d", strerror(errno), open("/proc/self/stat/x", O_RDONLY));
    printf(" %s\n", strerror(errno));
    printf("total %d idle %d\n", field("/proc/meminfo", "MemTotal:") > 1000, field("/proc/stat", "cpu ") >= 0);
    printf("maps have a stack %d\n", strstr(slurp("/proc/self/maps"), "[stack]") != NULL);
    printf("mounts have a root %d proc %d\n", strstr(slurp("/proc/mounts"), " / ") != NULL, strstr(text, "proc /proc proc") != NULL);
    printf("limits %ld\n", (long)(strstr(slurp("/proc/self/limits"), "Max open files") != NULL));
    struct stat s;
    stat("/proc/self", &s);
    printf("mine %d dir %d\n", s.st_uid == getuid(), S_ISDIR(s.st_mode));
    printf("boot id %d\n", (int)strlen(slurp("/proc/sys/kernel/random/boot_id")));
    (void)fd; (void)argc;
    return 0;
}
