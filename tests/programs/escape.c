/* escape WHAT [ARGUMENTS]
 *
 * Tries to get out of a sandbox and says what came of it, one line each. For tests/tests/sandbox.rs:
 *   all OUTSIDER        files, roots, mounts, devices, the process with that number outside, names
 *   network PORT        every use of the network
 *   proc OUTSIDER       what a /proc in the sandbox's root shows
 *   child OUTSIDER      the same as `all` in a child and in a program that it executes
 *   receive PATH        takes a descriptor that is sent to the socket at PATH
 *   send PATH           outside: sends the root directory there
 *   sleep               waits for ever
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name(long result)
{
    if (result >= 0)
        return "done";
    switch (errno) {
    case EPERM: return "EPERM";
    case ENOENT: return "ENOENT";
    case ESRCH: return "ESRCH";
    case EACCES: return "EACCES";
    case ENOSYS: return "ENOSYS";
    case EINVAL: return "EINVAL";
    case EINPROGRESS: return "EINPROGRESS";
    case ECONNREFUSED: return "ECONNREFUSED";
    default: return strerror(errno);
    }
}

static void said(const char *what, long result)
{
    printf("%s: %s\n", what, name(result));
    fflush(stdout);
}

static int is_root_of_all(const char *path)
{
    struct stat here, top;
    return stat(path, &here) == 0 && stat("/", &top) == 0 && here.st_ino != top.st_ino;
}

static void abstract(struct sockaddr_un *address, socklen_t *length)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, "\0outside", 8);
    *length = offsetof(struct sockaddr_un, sun_path) + 8;
}

static void all(pid_t outsider)
{
    said("a file outside", open("/../../../../etc/passwd", O_RDONLY));
    said("the way up", chdir("../../../.."));
    printf("up is elsewhere: %d\n", is_root_of_all("."));
    mkdir("/inner", 0755);
    said("another root", chroot("/inner"));
    said("a mount", mount("none", "/inner", "tmpfs", 0, ""));
    said("an unmount", umount("/"));
    said("pivot_root", syscall(SYS_pivot_root, "/inner", "/inner"));
    said("a name space", unshare(CLONE_NEWNS));
    said("a device", mknod("/inner/null", S_IFCHR | 0666, 1 << 8 | 3));
    said("the host's name", sethostname("x", 1));
    said("tracing", ptrace(PTRACE_ATTACH, outsider, 0, 0));
    said("its memory", syscall(SYS_process_vm_readv, outsider, 0, 0, 0, 0, 0));
    said("its descriptors", syscall(SYS_pidfd_getfd, 0, 0, 0));
    said("a signal", kill(outsider, SIGKILL));
    said("the same by tkill", syscall(SYS_tkill, outsider, SIGKILL));
    said("a signal to all", kill(-1, SIGWINCH));
    said("its handle", syscall(SYS_pidfd_open, outsider, 0));
    said("its priority", setpriority(PRIO_PROCESS, outsider, 5));
    said("its limits", prlimit(outsider, RLIMIT_NOFILE, 0, &(struct rlimit){ 0 }));
    said("its session", getsid(outsider));
    cpu_set_t set;
    said("its CPUs", sched_getaffinity(outsider, sizeof set, &set));
    struct sockaddr_un address;
    socklen_t length;
    abstract(&address, &length);
    int file = socket(AF_UNIX, SOCK_STREAM, 0);
    said("a name in the system", bind(file, (struct sockaddr *)&address, length));
    said("reaching such a name", connect(file, (struct sockaddr *)&address, length));
    close(file);
    said("a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    said("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    said("a call of the system's own", syscall(0x4d4f01, 0, 0));
    rmdir("/inner");
}

static void network(int port)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    struct sockaddr_in any = { .sin_family = AF_INET };
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    said("tcp", tcp);
    said("connect", connect(tcp, (struct sockaddr *)&there, sizeof there));
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    said("udp", udp);
    said("sendto", sendto(udp, "x", 1, 0, (struct sockaddr *)&there, sizeof there));
    int any_port = socket(AF_INET, SOCK_STREAM, 0);
    said("bind to any port", bind(any_port, (struct sockaddr *)&any, sizeof any));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    said("bind", bind(listener, (struct sockaddr *)&here, sizeof here));
    said("listen", listen(listener, 1));
}

static void proc(pid_t outsider)
{
    char path[64];
    DIR *directory = opendir("/proc");
    int seen = 0, own = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int pid = atoi(entry->d_name);
        seen += pid > 0 && pid != getpid();
        own += pid == getpid();
    }
    printf("others: %d, own: %d\n", seen, own);
    const char *files[] = { "stat", "environ", "maps", "root", "cwd", "exe", "fd" };
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", outsider, files[i]);
        said(files[i], open(path, O_RDONLY));
    }
    said("own root", open("/proc/self/root/etc/../../etc/passwd", O_RDONLY));
}

static struct sockaddr_un at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

static void receive(const char *path)
{
    struct sockaddr_un address = at(path);
    int file = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(path);
    said("bind", bind(file, (struct sockaddr *)&address, sizeof address));
    char byte;
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control;
    struct iovec piece = { &byte, 1 };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
    said("recvmsg", recvmsg(file, &message, 0));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    printf("descriptors: %d, something is missing: %d\n",
        head && head->cmsg_type == SCM_RIGHTS, (message.msg_flags & MSG_CTRUNC) != 0);
}

static void send_root(const char *path)
{
    struct sockaddr_un address = at(path);
    int file = socket(AF_UNIX, SOCK_DGRAM, 0);
    int root = open("/", O_RDONLY | O_DIRECTORY);
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = { { 0 } };
    control.head.cmsg_len = CMSG_LEN(sizeof root);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.head), &root, sizeof root);
    struct iovec piece = { "x", 1 };
    struct msghdr message = { .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &piece,
        .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
    said("sendmsg", sendmsg(file, &message, 0));
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    const char *value = count > 2 ? arguments[2] : "0";
    if (!strcmp(what, "all")) {
        all(atoi(value));
    } else if (!strcmp(what, "network")) {
        network(atoi(value));
    } else if (!strcmp(what, "proc")) {
        proc(atoi(value));
    } else if (!strcmp(what, "child")) {
        pid_t child = fork();
        if (child == 0) {
            said("a child's root", chroot("/"));
            execl("/escape", "escape", "all", value, (char *)0);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        printf("status: %d\n", status);
    } else if (!strcmp(what, "receive")) {
        receive(value);
    } else if (!strcmp(what, "send")) {
        send_root(value);
    } else if (!strcmp(what, "sleep")) {
        for (;;)
            pause();
    } else {
        return 2;
    }
    return 0;
}
