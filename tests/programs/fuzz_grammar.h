/* What the arguments of system calls are, so that random ones get past the first check: descriptors of
 * every kind, paths, buffers with their lengths, flags, times, addresses. One of eight arguments is
 * random all the same. For syscall_fuzz.c, which has the random numbers. */

enum argument_kind {
    ANY,      /* whatever comes */
    DESCRIPTOR,
    DIRECTORY, /* a descriptor to start from, or AT_FDCWD */
    PATH,
    BUFFER,
    LENGTH,
    FLAGS, /* a few bits */
    SMALL,
    VECTORS, /* struct iovec */
    OPTIONAL, /* a buffer, or none */
    SOON,     /* struct timespec that is over soon */
    ADDRESS,  /* struct sockaddr */
    OFFSET,
    MODE,
    PAGES,       /* an address in the arena, at a page */
    PAGE_LENGTH,
    SIGNAL,
};

struct shape {
    uint16_t number;
    uint8_t kinds[6];
};

static const struct shape shapes[] = {
    {SYS_read, {DESCRIPTOR, BUFFER, LENGTH}},
    {SYS_write, {DESCRIPTOR, BUFFER, LENGTH}},
    {SYS_pread64, {DESCRIPTOR, BUFFER, LENGTH, OFFSET}},
    {SYS_pwrite64, {DESCRIPTOR, BUFFER, LENGTH, OFFSET}},
    {SYS_readv, {DESCRIPTOR, VECTORS, SMALL}},
    {SYS_writev, {DESCRIPTOR, VECTORS, SMALL}},
    {SYS_preadv2, {DESCRIPTOR, VECTORS, SMALL, OFFSET, ANY, FLAGS}},
    {SYS_pwritev2, {DESCRIPTOR, VECTORS, SMALL, OFFSET, ANY, FLAGS}},
    {SYS_openat, {DIRECTORY, PATH, FLAGS, MODE}},
    {SYS_open, {PATH, FLAGS, MODE}},
    {SYS_close, {DESCRIPTOR}},
    {SYS_lseek, {DESCRIPTOR, OFFSET, SMALL}},
    {SYS_fstat, {DESCRIPTOR, BUFFER}},
    {SYS_newfstatat, {DIRECTORY, PATH, BUFFER, FLAGS}},
    {SYS_statx, {DIRECTORY, PATH, FLAGS, FLAGS, BUFFER}},
    {SYS_getdents64, {DESCRIPTOR, BUFFER, LENGTH}},
    {SYS_dup, {DESCRIPTOR}},
    {SYS_dup3, {DESCRIPTOR, DESCRIPTOR, FLAGS}},
    {SYS_fcntl, {DESCRIPTOR, SMALL, BUFFER}},
    {SYS_fcntl, {DESCRIPTOR, SMALL, FLAGS}},
    {SYS_ioctl, {DESCRIPTOR, ANY, BUFFER}},
    {SYS_ftruncate, {DESCRIPTOR, LENGTH}},
    {SYS_fallocate, {DESCRIPTOR, FLAGS, OFFSET, LENGTH}},
    {SYS_sendfile, {DESCRIPTOR, DESCRIPTOR, OPTIONAL, LENGTH}},
    {SYS_copy_file_range, {DESCRIPTOR, OPTIONAL, DESCRIPTOR, OPTIONAL, LENGTH, ANY}},
    {SYS_splice, {DESCRIPTOR, OPTIONAL, DESCRIPTOR, OPTIONAL, LENGTH, FLAGS}},
    {SYS_flock, {DESCRIPTOR, SMALL}},
    {SYS_mkdirat, {DIRECTORY, PATH, MODE}},
    {SYS_unlinkat, {DIRECTORY, PATH, FLAGS}},
    {SYS_renameat2, {DIRECTORY, PATH, DIRECTORY, PATH, FLAGS}},
    {SYS_linkat, {DIRECTORY, PATH, DIRECTORY, PATH, FLAGS}},
    {SYS_symlinkat, {PATH, DIRECTORY, PATH}},
    {SYS_readlinkat, {DIRECTORY, PATH, BUFFER, LENGTH}},
    {SYS_mknodat, {DIRECTORY, PATH, MODE, SMALL}},
    {SYS_fchmodat, {DIRECTORY, PATH, MODE}},
    {SYS_utimensat, {DIRECTORY, PATH, OPTIONAL, FLAGS}},
    {SYS_fchdir, {DESCRIPTOR}},
    {SYS_pipe2, {BUFFER, FLAGS}},
    {SYS_memfd_create, {PATH, FLAGS}},
    {SYS_eventfd2, {SMALL, FLAGS}},
    {SYS_timerfd_create, {SMALL, FLAGS}},
    {SYS_timerfd_settime, {DESCRIPTOR, SMALL, SOON, OPTIONAL}},
    {SYS_signalfd4, {DESCRIPTOR, BUFFER, SMALL, FLAGS}},
    {SYS_inotify_add_watch, {DESCRIPTOR, PATH, FLAGS}},
    {SYS_epoll_create1, {FLAGS}},
    {SYS_epoll_ctl, {DESCRIPTOR, SMALL, DESCRIPTOR, BUFFER}},
    {SYS_epoll_pwait2, {DESCRIPTOR, BUFFER, SMALL, SOON, OPTIONAL, SMALL}},
    {SYS_ppoll, {BUFFER, SMALL, SOON, OPTIONAL, SMALL}},
    {SYS_pselect6, {SMALL, BUFFER, OPTIONAL, OPTIONAL, SOON, OPTIONAL}},
    {SYS_socket, {SMALL, SMALL, SMALL}},
    {SYS_socketpair, {SMALL, SMALL, SMALL, BUFFER}},
    {SYS_bind, {DESCRIPTOR, ADDRESS, SMALL}},
    {SYS_connect, {DESCRIPTOR, ADDRESS, SMALL}},
    {SYS_listen, {DESCRIPTOR, SMALL}},
    {SYS_accept4, {DESCRIPTOR, OPTIONAL, OPTIONAL, FLAGS}},
    {SYS_sendto, {DESCRIPTOR, BUFFER, LENGTH, FLAGS, ADDRESS, SMALL}},
    {SYS_recvfrom, {DESCRIPTOR, BUFFER, LENGTH, FLAGS, OPTIONAL, OPTIONAL}},
    {SYS_sendmsg, {DESCRIPTOR, BUFFER, FLAGS}},
    {SYS_recvmsg, {DESCRIPTOR, BUFFER, FLAGS}},
    {SYS_setsockopt, {DESCRIPTOR, SMALL, SMALL, BUFFER, SMALL}},
    {SYS_getsockopt, {DESCRIPTOR, SMALL, SMALL, BUFFER, BUFFER}},
    {SYS_shutdown, {DESCRIPTOR, SMALL}},
    {SYS_getsockname, {DESCRIPTOR, BUFFER, BUFFER}},
    {SYS_mmap, {PAGES, PAGE_LENGTH, FLAGS, FLAGS, DESCRIPTOR, PAGE_LENGTH}},
    {SYS_mprotect, {PAGES, PAGE_LENGTH, FLAGS}},
    {SYS_munmap, {PAGES, PAGE_LENGTH}},
    {SYS_mremap, {PAGES, PAGE_LENGTH, PAGE_LENGTH, FLAGS}},
    {SYS_madvise, {PAGES, PAGE_LENGTH, SMALL}},
    {SYS_mincore, {PAGES, PAGE_LENGTH, BUFFER}},
    {SYS_mlock, {PAGES, PAGE_LENGTH}},
    {SYS_futex, {BUFFER, SMALL, SMALL, SOON, BUFFER, SMALL}},
    {SYS_rt_sigaction, {SIGNAL, OPTIONAL, OPTIONAL, SMALL}},
    {SYS_rt_sigprocmask, {SMALL, OPTIONAL, OPTIONAL, SMALL}},
    {SYS_rt_sigtimedwait, {BUFFER, OPTIONAL, SOON, SMALL}},
    {SYS_sigaltstack, {OPTIONAL, OPTIONAL}},
    {SYS_timer_create, {SMALL, OPTIONAL, BUFFER}},
    {SYS_timer_settime, {SMALL, SMALL, SOON, OPTIONAL}},
    {SYS_setitimer, {SMALL, BUFFER, OPTIONAL}},
    {SYS_wait4, {SMALL, OPTIONAL, FLAGS, OPTIONAL}},
    {SYS_waitid, {SMALL, SMALL, OPTIONAL, FLAGS, OPTIONAL}},
    {SYS_pidfd_open, {SMALL, FLAGS}},
    {SYS_prctl, {SMALL, ANY, ANY, ANY, ANY}},
    {SYS_getxattr, {PATH, PATH, BUFFER, LENGTH}},
    {SYS_setxattr, {PATH, PATH, BUFFER, LENGTH, FLAGS}},
    {SYS_getgroups, {SMALL, BUFFER}},
    {SYS_set_robust_list, {BUFFER, SMALL}},
    {SYS_membarrier, {FLAGS, SMALL}},
};

/* Descriptors of every kind, none of which waits for ever. */
static void open_descriptors(void)
{
    int pair[2];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    open("etc/hostname", O_RDWR | O_CREAT, 0666);
    open("/", O_RDONLY | O_DIRECTORY);
    pipe2(pair, O_NONBLOCK);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 4);
    socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
    eventfd(3, EFD_NONBLOCK);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    epoll_create1(0);
    syscall(SYS_memfd_create, "memory", 0);
    syscall(SYS_inotify_init1, O_NONBLOCK);
    syscall(SYS_pidfd_open, getpid(), 0);
}

static const char *const paths[] = {
    "etc/hostname", "/etc/hostname", "etc", "/", ".", "..", "a", "a/b", "bin/new", "new", "etc/../a",
    "etc/hostname/x", "", "./././etc", "link", "user.name", "tmpfs",
};

static uint64_t argument_of(enum argument_kind kind)
{
    static const struct timespec soon = {0, 200000};
    static const uint64_t lengths[] = {0, 1, 7, 8, 64, 4095, 4096, 4097, 65536};
    uint64_t bits = 0;
    if (below(8) == 0)
        return random_argument();
    switch (kind) {
    case DESCRIPTOR:
        return below(28);
    case DIRECTORY:
        return below(3) ? (uint64_t)AT_FDCWD : below(12);
    case PATH:
        return (uint64_t)paths[below(ARRAY_LENGTH(paths))];
    case OPTIONAL:
        return below(2) ? 0 : (uint64_t)arena + below(ARENA_PAGES * PAGE) / 8 * 8;
    case BUFFER:
    case VECTORS:
        return (uint64_t)arena + below(ARENA_PAGES * PAGE) / 8 * 8;
    case LENGTH:
        return lengths[below(ARRAY_LENGTH(lengths))];
    case FLAGS:
        for (uint64_t count = below(4); count > 0; count--)
            bits |= 1ULL << below(below(4) ? 14 : 32);
        return bits;
    case SMALL:
        return below(24);
    case SOON:
        return below(8) ? (uint64_t)&soon : 0;
    case ADDRESS: {
        /* Not in the arena, which may be protected at the moment. */
        static __thread union {
            struct sockaddr_in in;
            struct sockaddr_un un;
        } name;
        if (below(2))
            name.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = (uint16_t)next_random(),
                                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        else
            name.un = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "socket"};
        return (uint64_t)&name;
    }
    case OFFSET:
        return below(4) ? below(20000) : next_random();
    case MODE:
        return below(010000) | (below(4) ? S_IFREG : below(16) << 12);
    case PAGES:
        return (uint64_t)arena + below(ARENA_PAGES) * PAGE;
    case PAGE_LENGTH:
        return (1 + below(8)) * PAGE;
    case SIGNAL:
        return below(65);
    default:
        return random_argument();
    }
}
