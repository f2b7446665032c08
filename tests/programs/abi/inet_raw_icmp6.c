// proves: a raw socket for ICMPv6 has its checksum made, and gets what its filter lets through.
// needs: root
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;
static int ident;

static void set(const char *what, int level, int name, int value) {
    int done = setsockopt(fd, level, name, &value, sizeof value);
    printf("%s %d: %s\n", what, value, done ? strerror(errno) : "ok");
}

static void filter(int passed) {
    struct icmp6_filter filter, got;
    socklen_t length = sizeof got;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(passed, &filter);
    int done = setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    int read = getsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &got, &length);
    printf("only %d: %d, as set %d of %u\n", passed, done, !read && !memcmp(&filter, &got, sizeof got), length);
}

static void ask(int sequence) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct icmp6_hdr request = {.icmp6_type = ICMP6_ECHO_REQUEST};
    request.icmp6_id = ident;
    request.icmp6_seq = htons(sequence);
    printf("sent %ld\n", (long)sendto(fd, &request, sizeof request, 0, (void *)&to, sizeof to));
}

/* The next message of our own; others may ask, too. */
static void got(void) {
    struct icmp6_hdr message;
    long count;
    do count = recv(fd, &message, sizeof message, 0);
    while (count > 0 && message.icmp6_id != ident);
    printf("got %ld: type %d, sequence %d, has a sum %d\n", count, message.icmp6_type, ntohs(message.icmp6_seq), message.icmp6_type != ICMP6_ECHO_REQUEST || message.icmp6_cksum);
}

int main(void) {
    ident = htons(getpid() & 0xffff);
    fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    set("sum at", 255, IPV6_CHECKSUM, 2);
    set("sum at", 255, IPV6_CHECKSUM, 3);
    set("hop limits", IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    ask(1);
    got();
    got();
    filter(ICMP6_ECHO_REPLY);
    ask(2);
    got();
    filter(ICMP6_ECHO_REQUEST);
    ask(3);
    got();
    struct icmp6_hdr message;
    int answers = 0;
    while (recv(fd, &message, sizeof message, MSG_DONTWAIT) > 0) answers += message.icmp6_type == ICMP6_ECHO_REPLY;
    printf("answers in spite of it: %d\n", answers);
    return 0;
}
