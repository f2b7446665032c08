// What clock_vdso.c shows, with the C library that looks symbols up by their versions.
// build: glibc
#include "clock_vdso.c"
