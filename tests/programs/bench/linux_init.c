/* The first and only other program of the Linux guest that MultiOS is measured against: loads the
 * drivers, brings the network up, and runs what the kernel's command line asks for:
 *   bench.web         nginx
 *   bench.run=A,B,C   /test/bench A, then B, then C, their output on the serial console, then the end
 *   bench.start=A:B   /test/bench A B in the background
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void load(const char *module)
{
    int fd = open(module, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        syscall(SYS_finit_module, fd, "", 0);
    close(fd);
}

/* In the order in which they need each other, one path a line. */
static void load_all(void)
{
    char path[256];
    FILE *list = fopen("/modules/order", "r");
    while (list && fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = 0;
        load(path);
    }
    if (list)
        fclose(list);
}

static void up(const char *name, const char *address, const char *mask)
{
    struct ifreq request = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strcpy(request.ifr_name, name);
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = inet_addr(address);
    ioctl(fd, SIOCSIFADDR, &request);
    in->sin_addr.s_addr = inet_addr(mask);
    ioctl(fd, SIOCSIFNETMASK, &request);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
}

static pid_t run(char *words[])
{
    pid_t child = fork();
    if (child == 0) {
        execv(words[0], words);
        perror(words[0]);
        _exit(127);
    }
    return child;
}

/* The value of an option of the command line; NULL without it. */
static char *option(char *line, const char *name)
{
    char *at = strstr(line, name);
    if (!at)
        return NULL;
    at = strdup(at + strlen(name));
    at[strcspn(at, " \n")] = 0;
    return at;
}

int main(void)
{
    static char line[4096];
    mount("none", "/proc", "proc", 0, NULL);
    mount("none", "/dev", "devtmpfs", 0, NULL);
    mount("none", "/sys", "sysfs", 0, NULL);
    int console = open("/dev/console", O_RDWR);
    dup2(console, 0);
    dup2(console, 1);
    dup2(console, 2);
    int fd = open("/proc/cmdline", O_RDONLY);
    read(fd, line, sizeof line - 1);
    close(fd);
    load_all();
    up("lo", "127.0.0.1", "255.0.0.0");
    up("eth0", "10.0.2.15", "255.255.255.0");
    if (strstr(line, "bench.web"))
        run((char *[]){"/usr/sbin/nginx", "-c", "/etc/nginx.conf", NULL});
    char *start = option(line, "bench.start=");
    if (start) {
        char *words[8] = {"/test/bench"};
        int count = 1;
        for (char *word = strtok(start, ":"); word && count < 7; word = strtok(NULL, ":"))
            words[count++] = word;
        run(words);
    }
    char *list = option(line, "bench.run=");
    if (list) {
        for (char *rest, *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
            char *words[8] = {"/test/bench"};
            int count = 1;
            for (char *part = strtok(word, ":"); part && count < 7; part = strtok(NULL, ":"))
                words[count++] = part;
            waitpid(run(words), NULL, 0);
        }
        puts("bench.end");
        fflush(stdout);
        reboot(RB_POWER_OFF);
    }
    for (;;)
        wait(NULL) < 0 ? pause() : 0;
}
