/* elf_fuzz SEED COUNT PROGRAM
 *
 * Executes COUNT mutants of a program: fields of its headers changed to edges, headers swapped, the
 * file cut short, bytes changed anywhere. Each has to be refused by an errno that execve(2) knows, to
 * end by itself or to end by a signal; one that goes on is ended by its alarm.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t state;

static uint64_t below(uint64_t bound)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL % bound;
}

static uint64_t edge(uint64_t size)
{
    const uint64_t edges[] = {
        0, 1, 2, 3, 4, 7, 56, 63, 64, 0xfff, 0x1000, 0x1001, 0xffff, 0x10000, size - 1, size, size + 1,
        0x400000, 0x400fff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffe000,
        0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0xffffffff80200000,
        0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff,
    };
    return below(4) ? edges[below(ARRAY_LENGTH(edges))] : 1ULL << below(64);
}

/* Changes a copy of the program; gives its new length. */
static size_t mutate(unsigned char *file, size_t size)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;
    size_t heads = sizeof *header + header->e_phnum * sizeof(Elf64_Phdr);
    Elf64_Phdr *segments = (Elf64_Phdr *)(file + sizeof *header), swapped;
    unsigned count = header->e_phnum;
    size_t length = size;
    for (uint64_t left = 1 + below(3); left > 0; left--) {
        static const uint8_t widths[] = {1, 2, 4, 8};
        uint64_t width = widths[below(4)], value = edge(size), a = below(count), b = below(count);
        switch (below(8)) {
        case 0: /* bytes anywhere */
            for (uint64_t bytes = 1 + below(16); bytes > 0; bytes--)
                file[below(size)] = (unsigned char)below(256);
            break;
        case 1: /* a shorter file */
            length = below(2) ? below(size) : below(heads + 1);
            break;
        case 2:
            swapped = segments[a];
            segments[a] = segments[b];
            segments[b] = swapped;
            break;
        case 3:
            segments[a] = segments[b];
            segments[a].p_vaddr += edge(size);
            break;
        case 4:
            header->e_type = (uint16_t)below(5);
            break;
        default: /* a field of the headers */
            memcpy(file + below(heads / width) * width, &value, width);
            break;
        }
    }
    return length;
}

enum outcome { REFUSED, EXITED, SIGNALLED, WRONG };

/* Runs the program, for that long at the most. */
static enum outcome execute(const char *path, struct timeval limit)
{
    static const int known[] = {ENOEXEC, ENOMEM, EINVAL, EACCES, ELIBBAD, ENOENT, E2BIG, ETXTBSY,
                                EPERM, ENOTDIR, ENAMETOOLONG, EISDIR, EFAULT, EIO};
    char *words[] = {(char *)path, "nothing", NULL};
    int pipe_ends[2], error = 0, status;
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return WRONG;
    pid_t child = fork();
    if (child == 0) {
        struct itimerval end = {{0, 0}, limit};
        int nothing = open("/dev/null", O_RDWR);
        for (int descriptor = 0; descriptor < 3; descriptor++)
            dup2(nothing, descriptor);
        setitimer(ITIMER_REAL, &end, NULL);
        execv(path, words);
        error = errno;
        write(pipe_ends[1], &error, sizeof error);
        _exit(127);
    }
    close(pipe_ends[1]);
    ssize_t got = child < 0 ? -1 : read(pipe_ends[0], &error, sizeof error);
    close(pipe_ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return WRONG;
    if (got == sizeof error) {
        for (size_t at = 0; at < ARRAY_LENGTH(known); at++)
            if (known[at] == error)
                return REFUSED;
        printf("execve failed with %d\n", error);
        return WRONG;
    }
    return WIFSIGNALED(status) ? SIGNALLED : EXITED;
}

int main(int count, char **words)
{
    if (count != 4) {
        fprintf(stderr, "elf_fuzz SEED COUNT PROGRAM\n");
        return 2;
    }
    state = (strtoull(words[1], NULL, 0) * 2 + 1) * 0x9E3779B97F4A7C15ULL;
    unsigned long mutants = strtoul(words[2], NULL, 0), outcomes[4] = {0};
    int file = open(words[3], O_RDONLY);
    struct stat found;
    if (file < 0 || fstat(file, &found) != 0)
        return perror(words[3]), 1;
    size_t size = (size_t)found.st_size;
    unsigned char *original = malloc(size), *copy = malloc(size);
    if (read(file, original, size) != found.st_size)
        return perror(words[3]), 1;
    close(file);
    char path[64];
    snprintf(path, sizeof path, "/tmp/elf-fuzz-%d", (int)getpid());
    for (unsigned long number = 0; number <= mutants; number++) {
        memcpy(copy, original, size);
        /* The first one is the program itself: it has to run. */
        size_t length = number == 0 ? size : mutate(copy, size);
        unlink(path);
        int mutant = open(path, O_CREAT | O_WRONLY | O_EXCL, 0755);
        if (mutant < 0 || write(mutant, copy, length) != (ssize_t)length || close(mutant) != 0)
            return perror(path), 1;
        struct timeval limit = {number == 0 ? 60 : 0, number == 0 ? 0 : 300000};
        enum outcome outcome = execute(path, limit);
        outcomes[outcome]++;
        if (outcome == WRONG || (number == 0 && outcome != EXITED)) {
            printf("mutant %lu is wrong: %d\n", number, outcome);
            return 1;
        }
    }
    unlink(path);
    printf("%lu refused, %lu exited, %lu ended by a signal\n", outcomes[REFUSED], outcomes[EXITED],
           outcomes[SIGNALLED]);
    return 0;
}
