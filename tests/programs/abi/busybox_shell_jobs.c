// Proves that busybox's interactive shell works on a terminal: prompts, pipes, the keyboard's signals,
// jobs that are stopped, continued in the background and brought to the foreground.
#include "tty_driver.h"

int main(void) {
    alarm(55);
    driver_start((char *[]){"sh", "-i", NULL});
    driver_expect("$ ");
    driver_line("echo $((6 * 7)) | cat; tty | tr -d 0-9");
    driver_line("seq 1 1000 | sort -rn | head -n 2 | while read n; do echo \"<$n>\"; done");
    // ^C ends what runs in the foreground, not the shell.
    driver_type("sh -c 'echo here; exec sleep 1000'\n");
    driver_expect("\nhere");
    driver_type("\003");
    driver_expect("$ ");
    driver_line("echo interrupted $?");
    // ^C at the prompt gives a new one.
    driver_type("echo never");
    driver_expect("never");
    driver_type("\003");
    driver_expect("$ ");
    // ^Z stops a job; it is listed, goes on behind the shell, and comes back.
    driver_type("sh -c 'echo here; exec cat'\n");
    driver_expect("\nhere");
    driver_type("to the cat\n");
    driver_expect("to the cat\r\nto the cat");
    driver_type("\032");
    driver_expect("$ ");
    driver_line("jobs");
    driver_type("fg\n");
    driver_expect("\nsh -c");
    driver_type("once more\n");
    driver_expect("once more\r\nonce more");
    driver_type("\004"); // the end of its input
    driver_expect("$ ");
    driver_line("echo cat ended $?");
    // The second says so when both are there: a shell's child ignores ^Z until it is told what to be.
    driver_type("sh -c 'echo; exec sleep 1000' | sh -c 'read x; echo here; exec cat'\n");
    driver_expect("\nhere");
    driver_type("\032");
    driver_expect("$ ");
    driver_line("bg");
    driver_line("jobs");
    driver_line("{ kill %1; wait %1; } 2>/dev/null; echo waited $?");
    driver_line("sleep 0.2 & wait $!; echo slept $?");
    // A job in the background that reads the terminal is stopped.
    driver_line("cat &");
    driver_line("until jobs > list; grep -q Stopped list; do usleep 1000; done");
    driver_line("jobs");
    driver_type("fg\n");
    driver_expect("\ncat");
    driver_type("read\n");
    driver_expect("read\r\nread");
    driver_type("\003");
    driver_expect("$ ");
    driver_line("stty size; stty -a | grep -c isig");
    driver_line("trap 'echo winch' WINCH; echo set");
    driver_type("exit 5\n");
    driver_finish();
    return 0;
}
