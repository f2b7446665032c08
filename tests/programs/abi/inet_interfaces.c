// The loopback as netlink (getifaddrs) and ioctl show it; other interfaces differ from machine to
// machine, so only that there are any is asked.
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
    struct ifaddrs *all, *i;
    if (getifaddrs(&all)) perror("getifaddrs");
    char name[64];
    for (i = all; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, "lo") || !i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        struct sockaddr_in *a = (void *)i->ifa_addr, *m = (void *)i->ifa_netmask;
        printf("lo %s", inet_ntop(AF_INET, &a->sin_addr, name, sizeof name));
        printf("/%s, up %d, loopback %d\n", inet_ntop(AF_INET, &m->sin_addr, name, sizeof name),
               !!(i->ifa_flags & IFF_UP), !!(i->ifa_flags & IFF_LOOPBACK));
    }
    freeifaddrs(all);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq r = {.ifr_name = "lo"};
    ioctl(s, SIOCGIFADDR, &r);
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    ioctl(s, SIOCGIFINDEX, &r);
    printf("index %d\n", r.ifr_ifindex);
    memset(&r, 0, sizeof r);
    r.ifr_ifindex = 1;
    ioctl(s, SIOCGIFNAME, &r);
    printf("name %s\n", r.ifr_name);
    strcpy(r.ifr_name, "none0");
    int answer = ioctl(s, SIOCGIFADDR, &r);
    printf("%d %s\n", answer, errno == ENODEV ? "ENODEV" : "another error");
    struct ifconf c = {.ifc_len = 0};
    struct ifreq list[8];
    c.ifc_len = sizeof list;
    c.ifc_req = list;
    ioctl(s, SIOCGIFCONF, &c);
    int has = 0;
    for (unsigned k = 0; k < c.ifc_len / sizeof *list; k++) has += !strcmp(list[k].ifr_name, "lo");
    printf("in the list %d\n", has);
    return 0;
}
