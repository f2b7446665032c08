/* resolve NAME [PORT]
 *
 * Prints the addresses of a name as getaddrinfo(3) finds them, one a line, each with its port; or
 * why there are none.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int count, char **words)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int error = getaddrinfo(words[1], count > 2 ? words[2] : "0", &hints, &found);
    if (error) {
        const char *why = error == EAI_NONAME ? "no such name" : error == EAI_AGAIN ? "not now" : "no data";
        printf("%s\n", why);
        return 1;
    }
    for (struct addrinfo *it = found; it; it = it->ai_next) {
        char host[NI_MAXHOST], port[NI_MAXSERV];
        int flags = NI_NUMERICHOST | NI_NUMERICSERV;
        if (getnameinfo(it->ai_addr, it->ai_addrlen, host, sizeof host, port, sizeof port, flags))
            return 2;
        printf("%s %s\n", host, port);
    }
    freeaddrinfo(found);
    return 0;
}
