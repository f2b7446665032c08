// Proves that busybox's top shows processes on a terminal, again and again, takes keys, and leaves the
// terminal as it was.
#include "tty_driver.h"

int main(void) {
    alarm(55);
    driver_start((char *[]){"sh", "-i", NULL});
    driver_expect("$ ");
    driver_type("top -d 1\n");
    driver_expect("Mem: ");
    driver_expect("CPU: ");
    driver_expect("Load average: ");
    driver_expect("PID  PPID USER     STAT");
    driver_expect("Mem: "); // a second time, after a second
    driver_type("N"); // by number
    driver_expect("Mem: ");
    driver_type("M"); // by memory
    driver_expect("Mem: ");
    driver_type("q");
    driver_expect("$ ");
    driver_length = driver_seen = 0; // figures differ
    driver_line("stty -a | grep -o ' icanon'; stty -a | grep -o ' echo '");
    driver_line("top -b -n 2 -d 1 | grep -c '^Mem:'");
    driver_type("exit\n");
    driver_finish();
    return 0;
}
